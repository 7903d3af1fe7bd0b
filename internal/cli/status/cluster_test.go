package status

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"akv-injector/internal/testing/apiserver"
)

// serve starts an API server with YAML documents.
func serve(t *testing.T, text string) (*apiserver.Server, dynamic.Interface) {
	t.Helper()
	s := apiserver.Start(t, text)
	client, err := dynamic.NewForConfig(&rest.Config{Host: s.URL, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	return s, client
}

const (
	driverYAML = `kind: CSIDriver
metadata: {name: secrets-store.csi.k8s.io}
spec: {requiresRepublish: true}
`
	setYAML = `kind: DaemonSet
metadata: {name: aks-secrets-store-csi-driver, namespace: kube-system}
spec:
  template:
    spec:
      containers:
        - name: secrets-store
          image: mcr.microsoft.com/oss/kubernetes-csi/secrets-store/driver:v1.6.0
          args: [--provider-volume=/p, --enable-secret-rotation=true, --rotation-poll-interval=30s]
`
)

// everything is a pod with all that belongs to it.
func everything() string {
	return strings.Join([]string{
		podYAML, classYAML, record("secret/DB-Password=p1"), driverYAML, setYAML,
		event("FailedMount", `MountVolume.SetUp failed for volume "store" : no`, "uid-1"), event("BackOff", "no", "uid-1"),
	}, "---\n")
}

func TestRead(t *testing.T) {
	s, client := serve(t, everything())
	snapshot, notes, err := (&Cluster{Client: client, Scope: Scope{Namespace: "shop"}}).Read(t.Context())
	if err != nil || len(notes) > 0 {
		t.Fatal(err, notes)
	}
	got := []int{len(snapshot.Pods), len(snapshot.Records), len(snapshot.Classes["shop"]), len(snapshot.Events)}
	if diff := cmp.Diff([]int{1, 1, 1, 1}, got); diff != "" {
		t.Error(diff)
	}
	if r := snapshot.Rotation; !r.Known || r.Off != "" || r.Interval != 30*time.Second || !r.Kubelet || snapshot.Driver.Version != "1.6.0" {
		t.Errorf("%+v", r)
	}
	// The records are read after the pods: see Facts.
	want := []string{
		"GET shop/pods", "GET shop/secretproviderclasspodstatuses", "GET shop/secretproviderclasses",
		"GET shop/events involvedObject.kind=Pod,reason=FailedMount", "GET shop/events involvedObject.kind=Pod,reason=MountRotationFailed",
		"GET /csidrivers secrets-store.csi.k8s.io", "GET /daemonsets",
	}
	if diff := cmp.Diff(want, s.Asked()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Large lists come in pages, and all of them count.
func TestReadPages(t *testing.T) {
	var documents []string
	for i := range 25 {
		documents = append(documents, strings.ReplaceAll(podYAML, "name: web,", fmt.Sprintf("name: web-%d,", i)))
	}
	s, client := serve(t, strings.Join(documents, "---\n"))
	s.Page(10)
	snapshot, _, err := (&Cluster{Client: client}).Read(t.Context())
	if err != nil || len(snapshot.Pods) != 25 {
		t.Error(err, len(snapshot.Pods))
	}
	if n := strings.Count(strings.Join(s.Asked(), "\n"), "/pods"); n != 3 {
		t.Errorf("%d pages", n)
	}
}

// Nobody is asked more where there is nothing to ask for.
func TestReadNothing(t *testing.T) {
	s, client := serve(t, strings.ReplaceAll(podYAML, "secrets-store.csi.k8s.io", "file.csi.azure.com"))
	snapshot, notes, err := (&Cluster{Client: client, Scope: Scope{Selector: "app=web"}}).Read(t.Context())
	if err != nil || len(notes)+len(snapshot.Pods) > 0 {
		t.Error(snapshot, notes, err)
	}
	if diff := cmp.Diff([]string{"GET /pods app=web"}, s.Asked()); diff != "" {
		t.Error(diff)
	}
}

func TestReadNames(t *testing.T) {
	_, client := serve(t, everything())
	read := func(names ...string) (*Snapshot, error) {
		snapshot, _, err := (&Cluster{Client: client, Scope: Scope{Namespace: "shop", Names: names}}).Read(t.Context())
		return snapshot, err
	}
	snapshot, err := read("wed", "web")
	if err != nil || len(snapshot.Pods) != 1 || len(snapshot.Missing) != 1 || !strings.Contains(snapshot.Missing[0], "wed") {
		t.Error(snapshot, err)
	}
	if _, err := read("wed"); err == nil || !strings.Contains(err.Error(), "reading pod wed") {
		t.Error(err)
	}
}

// What nobody may read costs a part of the answer, which is told, or all of it.
func TestReadWithoutRights(t *testing.T) {
	for name, c := range map[string]struct {
		forbidden string
		note, err string
	}{
		"pods":       {"pods", "", "you may not list pods (kubectl auth can-i list pods -n shop)"},
		"records":    {"secretproviderclasspodstatuses", "", "kubectl auth can-i list secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io -n shop"},
		"classes":    {"secretproviderclasses", "so which objects of which vaults are mounted is not known", ""},
		"events":     {"events", "so nothing is said of mounts that failed", ""},
		"DaemonSets": {"daemonsets", "you may not list daemonsets.apps (kubectl auth can-i list daemonsets.apps -A); so when a new version is due is not known", ""},
		"CSIDrivers": {"csidrivers", "so when a new version is due is not known", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, client := serve(t, everything())
			s.Forbid(c.forbidden)
			snapshot, notes, err := (&Cluster{Client: client, Scope: Scope{Namespace: "shop"}}).Read(t.Context())
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil || len(notes) != 1 || !strings.Contains(notes[0], c.note) {
				t.Error(err, notes)
			}
			if mounts := snapshot.Mounts(); len(mounts) == 0 || mounts[0].Mounted == nil {
				t.Errorf("what is mounted is lost: %+v", mounts)
			}
		})
	}
}

// A cluster without the driver is no cluster where nothing is mounted.
func TestReadWithoutDriver(t *testing.T) {
	s, client := serve(t, everything())
	s.Unlearn("secretproviderclasspodstatuses", "secretproviderclasses")
	_, _, err := (&Cluster{Client: client}).Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the Secrets Store CSI driver is not installed") {
		t.Error(err)
	}
}
