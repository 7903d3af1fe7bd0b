package status

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// apiServer lists and gets what it has, in pages, and tells of changes.
type apiServer struct {
	mu        sync.Mutex
	objects   []map[string]any
	page      int
	forbidden []string // resources that nobody may list
	unknown   []string // resources that it does not know
	asked     []string
	watches   []chan string // lines for those who watch
}

var resources = map[string]string{
	"pods": "Pod", "events": "Event", "secretproviderclasses": "SecretProviderClass", "daemonsets": "DaemonSet",
	"secretproviderclasspodstatuses": "SecretProviderClassPodStatus", "csidrivers": "CSIDriver",
}

// serve starts one with YAML documents.
func serve(t *testing.T, text string) (*apiServer, dynamic.Interface) {
	t.Helper()
	s := &apiServer{page: 500}
	for document := range strings.SplitSeq(text, "\n---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		s.objects = append(s.objects, object)
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		s.mu.Lock()
		for _, w := range s.watches {
			close(w)
		}
		s.watches = nil
		s.mu.Unlock()
		server.Close()
	})
	client, err := dynamic.NewForConfig(&rest.Config{Host: server.URL, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	return s, client
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource, namespace, name := split(r.URL.Path)
	query := r.URL.Query()
	s.mu.Lock()
	s.asked = append(s.asked, question4(r.Method, resource, namespace, name, query))
	forbidden, unknown := slices.Contains(s.forbidden, resource), slices.Contains(s.unknown, resource)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed)
	case forbidden:
		refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden)
	case unknown || resources[resource] == "":
		http.Error(w, "404 page not found", http.StatusNotFound)
	case query.Get("watch") != "":
		s.watch(w, r)
	case name != "":
		s.get(w, resource, namespace, name)
	default:
		s.list(w, resource, namespace, query)
	}
}

// split takes a path apart: /apis/GROUP/VERSION/namespaces/NS/RESOURCE/NAME.
func split(path string) (resource, namespace, name string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	parts = parts[2:]
	if path[:5] == "/apis" {
		parts = parts[1:]
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		namespace, parts = parts[1], parts[2:]
	}
	if len(parts) > 1 {
		name = parts[1]
	}
	return parts[0], namespace, name
}

func question4(method, resource, namespace, name string, query url.Values) string {
	text := strings.TrimSpace(fmt.Sprintf("%s %s/%s %s", method, namespace, resource, name))
	for _, key := range []string{"labelSelector", "fieldSelector"} {
		if v := query.Get(key); v != "" {
			text += " " + v
		}
	}
	if query.Get("watch") != "" {
		text += " watch"
	}
	return text
}

func refuse(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: "not for you",
	})
}

// find are the objects of a resource.
func (s *apiServer) find(resource, namespace, name, selector, fields string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted, _ := labels.Parse(selector)
	var found []map[string]any
	for _, o := range s.objects {
		metadata, _ := o["metadata"].(map[string]any)
		set := labels.Set{}
		if all, ok := metadata["labels"].(map[string]any); ok {
			for k, v := range all {
				set[k] = fmt.Sprint(v)
			}
		}
		reason, _ := o["reason"].(string)
		if o["kind"] == resources[resource] && (namespace == "" || metadata["namespace"] == namespace) && (name == "" || metadata["name"] == name) &&
			wanted.Matches(set) && (fields == "" || strings.HasSuffix(fields, "reason="+reason)) {
			found = append(found, o)
		}
	}
	return found
}

func (s *apiServer) get(w http.ResponseWriter, resource, namespace, name string) {
	found := s.find(resource, namespace, name, "", "")
	if len(found) == 0 {
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(withVersion(found[0]))
}

func (s *apiServer) list(w http.ResponseWriter, resource, namespace string, query url.Values) {
	found := s.find(resource, namespace, "", query.Get("labelSelector"), query.Get("fieldSelector"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	from, _ := strconv.Atoi(query.Get("continue"))
	if limit == 0 || limit > s.page {
		limit = s.page
	}
	metadata := map[string]any{"resourceVersion": "7"}
	found = found[from:]
	if len(found) > limit {
		found = found[:limit]
		metadata["continue"] = strconv.Itoa(from + limit)
	}
	items := []any{}
	for _, o := range found {
		items = append(items, withVersion(o))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": resources[resource] + "List", "metadata": metadata, "items": items})
}

// withVersion adds what the client wants of any object.
func withVersion(o map[string]any) map[string]any {
	out := map[string]any{"apiVersion": "v1"}
	for k, v := range o {
		out[k] = v
	}
	return out
}

// watch tells what tell is given, to whoever watches.
func (s *apiServer) watch(w http.ResponseWriter, r *http.Request) {
	lines := make(chan string, 10)
	s.mu.Lock()
	s.watches = append(s.watches, lines)
	s.mu.Unlock()
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case line, ok := <-lines:
			if !ok {
				return
			}
			_, _ = fmt.Fprintln(w, line)
			w.(http.Flusher).Flush()
		}
	}
}

// tell tells all who watch of a change.
func (s *apiServer) tell(t *testing.T, document string) {
	t.Helper()
	var object map[string]any
	read(t, document, &object)
	text, err := json.Marshal(map[string]any{"type": "MODIFIED", "object": withVersion(object)})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watches {
		w <- string(text)
	}
}

func (s *apiServer) watched() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watches)
}

// replace puts an object in the place of another of its kind.
func (s *apiServer) replace(t *testing.T, document string) {
	t.Helper()
	var object map[string]any
	read(t, document, &object)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.objects {
		if s.objects[i]["kind"] == object["kind"] {
			s.objects[i] = object
		}
	}
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
	facts, notes, err := (&Cluster{Client: client, Scope: Scope{Namespace: "shop"}}).Read(t.Context())
	if err != nil || len(notes) > 0 {
		t.Fatal(err, notes)
	}
	got := []int{len(facts.Pods), len(facts.Records), len(facts.Classes["shop"]), len(facts.Events)}
	if diff := cmp.Diff([]int{1, 1, 1, 1}, got); diff != "" {
		t.Error(diff)
	}
	if r := facts.Rotation; !r.Known || r.Off != "" || r.Interval != 30*time.Second || !r.Kubelet || facts.Driver.Version != "1.6.0" {
		t.Errorf("%+v", r)
	}
	// The records are read after the pods: see Facts.
	want := []string{
		"GET shop/pods", "GET shop/secretproviderclasspodstatuses", "GET shop/secretproviderclasses",
		"GET shop/events involvedObject.kind=Pod,reason=FailedMount", "GET shop/events involvedObject.kind=Pod,reason=MountRotationFailed",
		"GET /csidrivers secrets-store.csi.k8s.io", "GET /daemonsets",
	}
	if diff := cmp.Diff(want, s.asked); diff != "" {
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
	s.page = 10
	facts, _, err := (&Cluster{Client: client}).Read(t.Context())
	if err != nil || len(facts.Pods) != 25 {
		t.Error(err, len(facts.Pods))
	}
	if n := strings.Count(strings.Join(s.asked, "\n"), "/pods"); n != 3 {
		t.Errorf("%d pages", n)
	}
}

// Nobody is asked more where there is nothing to ask for.
func TestReadNothing(t *testing.T) {
	s, client := serve(t, strings.ReplaceAll(podYAML, "secrets-store.csi.k8s.io", "file.csi.azure.com"))
	facts, notes, err := (&Cluster{Client: client, Scope: Scope{Selector: "app=web"}}).Read(t.Context())
	if err != nil || len(notes)+len(facts.Pods) > 0 {
		t.Error(facts, notes, err)
	}
	if diff := cmp.Diff([]string{"GET /pods app=web"}, s.asked); diff != "" {
		t.Error(diff)
	}
}

func TestReadNames(t *testing.T) {
	_, client := serve(t, everything())
	read := func(names ...string) (*Facts, error) {
		facts, _, err := (&Cluster{Client: client, Scope: Scope{Namespace: "shop", Names: names}}).Read(t.Context())
		return facts, err
	}
	facts, err := read("wed", "web")
	if err != nil || len(facts.Pods) != 1 || len(facts.Missing) != 1 || !strings.Contains(facts.Missing[0], "wed") {
		t.Error(facts, err)
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
			s.forbidden = []string{c.forbidden}
			facts, notes, err := (&Cluster{Client: client, Scope: Scope{Namespace: "shop"}}).Read(t.Context())
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil || len(notes) != 1 || !strings.Contains(notes[0], c.note) {
				t.Error(err, notes)
			}
			if mounts := facts.Mounts(); len(mounts) == 0 || mounts[0].Mounted == nil {
				t.Errorf("what is mounted is lost: %+v", mounts)
			}
		})
	}
}

// A cluster without the driver is no cluster where nothing is mounted.
func TestReadWithoutDriver(t *testing.T) {
	s, client := serve(t, everything())
	s.unknown = []string{"secretproviderclasspodstatuses", "secretproviderclasses"}
	_, _, err := (&Cluster{Client: client}).Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the Secrets Store CSI driver is not installed") {
		t.Error(err)
	}
}
