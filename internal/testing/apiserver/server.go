// Package apiserver has an API server for tests: it answers reads over HTTP with objects from
// YAML, and can be told what to refuse.
package apiserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// Server lists and gets what it has, in pages, and tells of changes. It takes nothing.
type Server struct {
	// URL of it.
	URL string

	mu        sync.Mutex
	objects   []map[string]any
	page      int
	forbidden []string
	unknown   []string
	asked     []string
	watches   []chan string // lines for those who watch
}

// kinds by resource.
var kinds = map[string]string{
	"pods": "Pod", "events": "Event", "secretproviderclasses": "SecretProviderClass", "daemonsets": "DaemonSet",
	"secretproviderclasspodstatuses": "SecretProviderClassPodStatus", "csidrivers": "CSIDriver",
}

// Start starts one that has the objects of YAML documents, until the test is over.
func Start(t *testing.T, text string) *Server {
	t.Helper()
	s := &Server{page: 500}
	for document := range strings.SplitSeq(text, "\n---\n") {
		s.objects = append(s.objects, parse(t, document))
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
	s.URL = server.URL
	return s
}

func parse(t *testing.T, document string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(document), &object); err != nil {
		t.Fatalf("%v:\n%s", err, document)
	}
	return object
}

// Forbid refuses all requests for some resources, and no others.
func (s *Server) Forbid(resources ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forbidden = resources
}

// Unlearn makes some resources unknown, as before their CRDs are installed.
func (s *Server) Unlearn(resources ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknown = resources
}

// Page bounds the objects of an answer.
func (s *Server) Page(limit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page = limit
}

// Asked are the requests so far, as "GET namespace/resource name selector".
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Watched is how many watch.
func (s *Server) Watched() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watches)
}

// Replace puts an object in the place of the others of its kind, and tells nobody.
func (s *Server) Replace(t *testing.T, document string) {
	t.Helper()
	object := parse(t, document)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.objects {
		if s.objects[i]["kind"] == object["kind"] {
			s.objects[i] = object
		}
	}
}

// Tell tells all who watch that an object has changed.
func (s *Server) Tell(t *testing.T, document string) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"type": "MODIFIED", "object": withVersion(parse(t, document))})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watches {
		w <- string(text)
	}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource, namespace, name := split(r.URL.Path)
	query := r.URL.Query()
	s.mu.Lock()
	s.asked = append(s.asked, describe(r.Method, resource, namespace, name, query))
	forbidden, unknown := slices.Contains(s.forbidden, resource), slices.Contains(s.unknown, resource)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed)
	case forbidden:
		refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden)
	case unknown || kinds[resource] == "":
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

func describe(method, resource, namespace, name string, query url.Values) string {
	words := []string{method, namespace + "/" + resource, name, query.Get("labelSelector"), query.Get("fieldSelector")}
	if query.Get("watch") != "" {
		words = append(words, "watch")
	}
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}

func refuse(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	answer(w, code, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: "not for you",
	})
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, code int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // it came from YAML
	}
	w.WriteHeader(code)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

// find are the objects of a resource.
func (s *Server) find(resource, namespace, name, selector, fields string) []map[string]any {
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
		if o["kind"] == kinds[resource] && (namespace == "" || metadata["namespace"] == namespace) && (name == "" || metadata["name"] == name) &&
			wanted.Matches(set) && (fields == "" || strings.HasSuffix(fields, "reason="+reason)) {
			found = append(found, o)
		}
	}
	return found
}

func (s *Server) get(w http.ResponseWriter, resource, namespace, name string) {
	found := s.find(resource, namespace, name, "", "")
	if len(found) == 0 {
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound)
		return
	}
	answer(w, http.StatusOK, withVersion(found[0]))
}

func (s *Server) list(w http.ResponseWriter, resource, namespace string, query url.Values) {
	found := s.find(resource, namespace, "", query.Get("labelSelector"), query.Get("fieldSelector"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	from, _ := strconv.Atoi(query.Get("continue"))
	s.mu.Lock()
	if limit == 0 || limit > s.page {
		limit = s.page
	}
	s.mu.Unlock()
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
	answer(w, http.StatusOK, map[string]any{"apiVersion": "v1", "kind": kinds[resource] + "List", "metadata": metadata, "items": items})
}

// withVersion adds what the client wants of any object.
func withVersion(o map[string]any) map[string]any {
	out := map[string]any{"apiVersion": "v1"}
	maps.Copy(out, o)
	return out
}

// watch tells what tell is given, to whoever watches.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
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
