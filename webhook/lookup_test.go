package webhook

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// A cache lags behind what its users have just done. It may never be the reason of
// a refusal.
func TestStaleCache(t *testing.T) {
	without := func(items []client.Object, kind string) []client.Object {
		var rest []client.Object
		for _, item := range items {
			if kindOf(item) != kind {
				rest = append(rest, item)
			}
		}
		return rest
	}
	closed := namespace(nil)
	closed.Labels = nil
	nobody := account("web")
	nobody.Annotations = nil
	cases := map[string]struct {
		cached []client.Object
		// live is inPlace where it is nil.
		live     []client.Object
		injects  bool
		refuses  bool
		asksLive bool
	}{
		"cache is right":             {cached: inPlace(), injects: true},
		"empty cache":                {injects: true, asksLive: true},
		"namespace is not there yet": {cached: without(inPlace(), "Namespace"), injects: true, asksLive: true},
		"opted in a moment ago":      {cached: append(without(inPlace(), "Namespace"), closed), injects: true, asksLive: true},
		"account is not there yet":   {cached: without(inPlace(), "ServiceAccount"), injects: true, asksLive: true},
		"account annotated a moment ago": {
			cached: append(without(inPlace(), "ServiceAccount"), nobody), injects: true, asksLive: true,
		},
		"fence lifted a moment ago": {
			cached: append(without(inPlace(), "Namespace"), namespace(map[string]string{annotation.AllowedVaults: "other-*"})), injects: true, asksLive: true,
		},
		"really not opted in":          {cached: inPlace()[1:], live: append(inPlace()[1:], closed), asksLive: true},
		"really without a client id":   {cached: append(without(inPlace(), "ServiceAccount"), nobody), live: append(without(inPlace(), "ServiceAccount"), nobody), refuses: true, asksLive: true},
		"really without an account":    {cached: without(inPlace(), "ServiceAccount"), live: without(inPlace(), "ServiceAccount"), refuses: true, asksLive: true},
		"no longer opted in, by error": {cached: append(without(inPlace(), "ServiceAccount"), nobody), live: append(inPlace()[1:], closed), asksLive: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cl := newCluster()
			cl.cached.items, cl.live.items = c.cached, c.live
			if c.live == nil {
				cl.live.items = inPlace()
			}
			answer := answerOf(t, cl.admission().Mutate(), reviewOf(raw(t, asking())))
			if answer.Allowed == c.refuses {
				t.Fatalf("allowed is %v: %+v", answer.Allowed, answer.Result)
			}
			if got := len(answer.Patch) > 0; got != c.injects {
				t.Errorf("injected is %v", got)
			}
			if got := cl.live.gets > 0; got != c.asksLive {
				t.Errorf("%d live reads", cl.live.gets)
			}
		})
	}
}

// Validation may run on a replica that has not heard yet of what the mutating one used.
func TestStaleCacheAtValidation(t *testing.T) {
	up := newCluster(inPlace()...)
	pod := injected(t, up.admission())
	behind := newCluster(inPlace()...)
	old := account("web")
	old.Annotations[provider.AnnotationClientID] = "00000000-0000-0000-0000-000000000000"
	behind.cached.items = []client.Object{namespace(nil), old}
	if answer := answerOf(t, behind.admission().Validate(), reviewOf(raw(t, pod))); !answer.Allowed {
		t.Error(answer.Result.Message)
	}
}

// What cannot be looked up is a failure and not a verdict: failurePolicy decides.
func TestFailedLookups(t *testing.T) {
	noMatch := &meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: "secrets-store.csi.x-k8s.io", Kind: "SecretProviderClass"}, SearchedVersions: []string{"v1"}}
	gone := &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: 404, Reason: metav1.StatusReasonNotFound, Message: "the server could not find the requested resource",
		Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: metav1.CauseTypeUnexpectedServerResponse, Message: "404 page not found"}}},
	}}
	named := func() *corev1.Pod {
		pod := asking()
		pod.Annotations = map[string]string{annotation.SecretProviderClass: "legacy"}
		return pod
	}
	cases := map[string]struct {
		err  string
		live error
		pod  *corev1.Pod
		// ok: the lookup was not needed, or its failure is a fact.
		ok   bool
		says string
	}{
		"namespace":                      {err: "Namespace shop", live: errTimeout, says: "looking up Namespace shop: context deadline exceeded"},
		"namespace is not there":         {err: "Namespace shop", live: apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop"), says: "not found"},
		"account":                        {err: "ServiceAccount web", live: errTimeout, says: "looking up ServiceAccount shop/web"},
		"forbidden":                      {err: "ServiceAccount web", live: apierrors.NewForbidden(schema.GroupResource{}, "web", errors.New("RBAC")), says: "forbidden"},
		"driver":                         {err: "CSIDriver " + provider.DriverName, live: errTimeout, pod: handWritten(t, ""), says: "looking up CSIDriver"},
		"class":                          {err: "SecretProviderClass legacy", live: errTimeout, pod: named(), says: "looking up SecretProviderClass shop/legacy"},
		"no CRD":                         {err: "SecretProviderClass legacy", live: noMatch, pod: named(), ok: true},
		"no CRD, hand-written":           {err: "SecretProviderClass legacy", live: noMatch, pod: handWritten(t, ""), ok: true},
		"CRD gone":                       {err: "SecretProviderClass legacy", live: gone, pod: named(), ok: true},
		"no CRD, but no class is needed": {err: "SecretProviderClass legacy", live: noMatch, ok: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(inPlace()...)
			cl.cached.items = nil
			cl.cached.errs = map[string]error{c.err: errors.New("the cache is not started")}
			cl.live.errs = map[string]error{c.err: c.live}
			pod := c.pod
			if pod == nil {
				pod = asking()
			}
			w := post(cl.admission().Mutate(), MutatePath, marshal(t, reviewOf(raw(t, pod))))
			if c.ok {
				if w.Code != http.StatusOK {
					t.Errorf("HTTP %d: %s", w.Code, w.Body)
				}
				return
			}
			if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("HTTP %d %q, want 500 that says %q", w.Code, w.Body, c.says)
			}
			if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
				t.Errorf("content type %q", got)
			}
			if logged := cl.logs.all(); !strings.Contains(logged, `"outcome"="error"`) || !strings.Contains(logged, `"namespace"="shop"`) {
				t.Errorf("log: %s", logged)
			}
		})
	}
}

// The second decision needs live known; without them nothing can be said.
func TestSecondLookFails(t *testing.T) {
	cl := newCluster(inPlace()...)
	cl.cached.items = []client.Object{namespace(map[string]string{annotation.AllowedVaults: "other-*"}), account("web")}
	cl.live.errs = map[string]error{"Namespace shop": errTimeout}
	w := post(cl.admission().Mutate(), MutatePath, marshal(t, reviewOf(raw(t, asking()))))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("HTTP %d: %s", w.Code, w.Body)
	}
}

// A cache that cannot answer is no failure as long as the API server can.
func TestBrokenCache(t *testing.T) {
	cl := newCluster(inPlace()...)
	cl.cached.errs = map[string]error{}
	for _, item := range inPlace() {
		cl.cached.errs[fmt.Sprintf("%s %s", kindOf(item), item.GetName())] = errors.New("the cache is not started")
	}
	if answer := answerOf(t, cl.admission().Mutate(), reviewOf(raw(t, asking()))); len(answer.Patch) == 0 {
		t.Errorf("want a patch, got %+v", answer)
	}
}

// What would be refused on cached facts is decided once more, on those facts alone on which
// the errors rest, and only if they rest on any.
func TestSecondLook(t *testing.T) {
	nobody := account("web")
	nobody.Annotations = nil
	for name, c := range map[string]struct {
		objects   string
		also      map[string]string
		namespace map[string]string
		accounts  []client.Object
		// live are the reads that go to the API server.
		live []string
	}{
		"a name that is none":         {objects: "DB_Password"},
		"a path that is none":         {objects: "a", also: map[string]string{annotation.MountPath: "mnt"}},
		"an annotation that is none":  {objects: "a", also: map[string]string{annotation.Prefix + "object": "b"}},
		"a container that is none":    {objects: "a", also: map[string]string{annotation.Containers: ","}},
		"a version, and no policy":    {objects: "DB-Password@abc", live: []string{"Namespace"}}, // it may have a rotation-policy by now
		"a fence":                     {objects: "a", namespace: map[string]string{annotation.AllowedVaults: "other-*"}, live: []string{"Namespace"}},
		"a namespace's own mistake":   {objects: "a", namespace: map[string]string{annotation.Prefix + "valt": "b"}, live: []string{"Namespace"}},
		"an account without identity": {objects: "a", accounts: []client.Object{nobody}, live: []string{"Namespace", "ServiceAccount"}},
	} {
		t.Run(name, func(t *testing.T) {
			items := inPlace()
			items[0] = namespace(c.namespace)
			if c.accounts != nil {
				items = append(items[:2], append(c.accounts, items[3:]...)...)
			}
			cl := newCluster(items...)
			pod := asking()
			pod.Annotations[annotation.Objects] = c.objects
			maps.Copy(pod.Annotations, c.also)
			if answer := answerOf(t, cl.admission().Mutate(), reviewOf(raw(t, pod))); answer.Allowed {
				t.Fatal("not refused")
			}
			if diff := cmp.Diff(c.live, cl.live.kinds); diff != "" {
				t.Errorf("live reads (-want +got):\n%s", diff)
			}
		})
	}
}

// A cluster without the driver is told of it, and does not pay a call for each pod.
func TestNoDriver(t *testing.T) {
	cl := newCluster(inPlace()[:3]...)
	a := cl.admission()
	known := facts.Facts{Namespace: namespace(nil), Classes: map[string]*facts.Class{}}
	if err := a.lookup().add(t.Context(), &known, facts.Needs{CSIDriver: true}); err != nil {
		t.Fatal(err)
	}
	if !known.NoCSIDriver || known.CSIDriver != nil || cl.live.gets > 0 {
		t.Errorf("no driver is %v, after %d live reads", known.NoCSIDriver, cl.live.gets)
	}
	// Before it refuses anything on that ground, the API server is asked.
	cl.live.items = inPlace()
	known = facts.Facts{Namespace: namespace(nil), Classes: map[string]*facts.Class{}}
	if err := a.liveLookup().add(t.Context(), &known, facts.Needs{CSIDriver: true}); err != nil {
		t.Fatal(err)
	}
	if known.NoCSIDriver || known.CSIDriver == nil {
		t.Errorf("no driver is %v", known.NoCSIDriver)
	}
}

func TestNoClassCRD(t *testing.T) {
	cl := newCluster(inPlace()...)
	cl.live.errs = map[string]error{}
	for _, name := range []string{"a", "b"} {
		cl.live.errs["SecretProviderClass "+name] = &meta.NoKindMatchError{}
	}
	known := facts.Facts{Namespace: namespace(nil), Classes: map[string]*facts.Class{}}
	if err := cl.admission().lookup().add(t.Context(), &known, facts.Needs{Classes: []string{"a", "b"}}); err != nil {
		t.Fatal(err)
	}
	if _, looked := known.Classes["a"]; !known.NoClassCRD || looked || cl.live.gets != 1 {
		t.Errorf("no CRD is %v, after %d live reads; classes %v", known.NoClassCRD, cl.live.gets, known.Classes)
	}
}
