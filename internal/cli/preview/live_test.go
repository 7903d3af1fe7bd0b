package preview_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/internal/cli/preview"
)

// apiServer answers reads of what it has, and notes what it was asked.
type apiServer struct {
	objects   map[string]string
	forbidden []string
	asked     []string
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	answer := func(code int32, reason metav1.StatusReason, message string) {
		w.WriteHeader(int(code))
		_ = json.NewEncoder(w).Encode(&metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
			Status:   metav1.StatusFailure, Code: code, Reason: reason, Message: message,
		})
	}
	switch object, ok := s.objects[r.URL.Path]; {
	case slices.Contains(s.forbidden, r.URL.Path):
		answer(http.StatusForbidden, metav1.StatusReasonForbidden, "not for you")
	case ok && object == "":
		w.Header().Set("Content-Type", "text/plain")
		http.Error(w, "404 page not found", http.StatusNotFound)
	case ok:
		_, _ = w.Write([]byte(object))
	default:
		answer(http.StatusNotFound, metav1.StatusReasonNotFound, "not found")
	}
}

const (
	namespacePath = "/api/v1/namespaces/shop"
	accountPath   = "/api/v1/namespaces/shop/serviceaccounts/shop-sa"
	driverPath    = "/apis/storage.k8s.io/v1/csidrivers/secrets-store.csi.k8s.io"
	setsPath      = "/apis/apps/v1/daemonsets"
	classPath     = "/apis/secrets-store.csi.x-k8s.io/v1/namespaces/shop/secretproviderclasses/by-hand"
)

func cluster() *apiServer {
	return &apiServer{objects: map[string]string{
		namespacePath: `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"azure.keyvault.injector/injection":"enabled"},"annotations":{"azure.keyvault.injector/mount-path":"/from/the/cluster"}}}`,
		accountPath:   `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"shop-sa","namespace":"shop","annotations":{"azure.workload.identity/client-id":"99999999-2222-3333-4444-555555555555","azure.workload.identity/tenant-id":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"}}}`,
		"/api/v1/namespaces/shop/serviceaccounts/default": `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default","namespace":"shop"}}`,
		driverPath: `{"apiVersion":"storage.k8s.io/v1","kind":"CSIDriver","metadata":{"name":"secrets-store.csi.k8s.io"},"spec":{"requiresRepublish":true,"tokenRequests":[{"audience":"api://AzureADTokenExchange"}]}}`,
		setsPath:   `{"apiVersion":"apps/v1","kind":"DaemonSetList","items":[]}`,
	}}
}

const livePod = `apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  annotations:
    azure.keyvault.injector/vault: shop-kv
    azure.keyvault.injector/objects: DB-Password
    azure.keyvault.injector/service-account: shop-sa
spec: {containers: [{name: web, image: busybox}]}
`

func live(t *testing.T, s *apiServer, text string) ([]preview.Item, error) {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	client, err := dynamic.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	set := read(t, text)
	return preview.Of(t.Context(), set, &preview.Live{Files: set.Cluster("default", false), Client: client}, inject.Settings{})
}

func TestLive(t *testing.T) {
	s := cluster()
	items, err := live(t, s, livePod+"---\n"+strings.Replace(livePod, "name: web\n", "name: web2\n", 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		if item.Outcome != preview.Injected {
			t.Fatalf("%v %s %v", item.Outcome, item.Why, item.Findings)
		}
		for _, want := range []string{"/from/the/cluster", "99999999-2222"} {
			if !strings.Contains(string(item.After), want) {
				t.Errorf("%s is missing in %s", want, item.After)
			}
		}
	}
	for _, asked := range s.asked {
		if !strings.HasPrefix(asked, "GET ") {
			t.Error("not a read:", asked)
		}
	}
	// Those that are the same for all objects are asked for once.
	for _, path := range []string{driverPath, setsPath} {
		if n := strings.Count(strings.Join(s.asked, "\n"), path); n != 1 {
			t.Errorf("%s was asked for %d times", path, n)
		}
	}
}

// What stands in a file wins over the cluster, which is not asked for it.
func TestFilesWin(t *testing.T) {
	s := cluster()
	items, err := live(t, s, livePod+strings.Replace(account, "name: shop-sa", "name: shop-sa\n  namespace: shop", 1))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(items[0].After), "11111111-2222") {
		t.Errorf("%s", items[0].After)
	}
	if slices.Contains(s.asked, "GET "+accountPath) {
		t.Error("the cluster was asked for what the file says")
	}
}

func TestLiveMissing(t *testing.T) {
	s := cluster()
	delete(s.objects, accountPath)
	items, err := live(t, s, livePod)
	if err != nil {
		t.Fatal(err)
	}
	if items[0].Outcome != preview.Refused || len(items[0].Findings) == 0 || items[0].Findings[0].Rule != "AKV012" {
		t.Errorf("%v %v", items[0].Outcome, items[0].Findings)
	}
}

func TestLiveWithoutRights(t *testing.T) {
	s := cluster()
	s.forbidden = []string{accountPath}
	_, err := live(t, s, livePod)
	if err == nil || !strings.Contains(err.Error(), "kubectl auth can-i get serviceaccounts -n shop") {
		t.Error(err)
	}
	// DaemonSets of all namespaces are a lot to ask: without them nothing is said of rotation.
	s.forbidden = []string{setsPath}
	if items, err := live(t, s, livePod); err != nil || items[0].Outcome != preview.Injected {
		t.Error(items, err)
	}
}

// A cluster that does not know classes is another thing than a class that is missing.
func TestLiveWithoutClassCRD(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(*apiServer)
		want   bool
	}{
		"no CRD":   {func(s *apiServer) { s.objects[classPath] = "" }, true},
		"no class": {func(*apiServer) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster()
			c.answer(s)
			server := httptest.NewServer(s)
			defer server.Close()
			client, err := dynamic.NewForConfig(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			l := &preview.Live{Files: read(t, livePod).Cluster("default", false), Client: client}
			known, err := l.Facts(t.Context(), read(t, livePod).Objects[0], facts.Needs{Classes: []string{"by-hand"}})
			if err != nil {
				t.Fatal(err)
			}
			class, looked := known.Classes["by-hand"]
			if diff := cmp.Diff([]bool{c.want, !c.want, true}, []bool{known.NoClassCRD, looked, class == nil}); diff != "" {
				t.Error(diff)
			}
		})
	}
}
