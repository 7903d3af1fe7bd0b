package workload

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestParseExtra(t *testing.T) {
	for text, want := range map[string]bool{
		"rollouts.v1alpha1.argoproj.io=spec.template":            true,
		"scaledjobs.v1alpha1.keda.sh=spec.jobTargetRef.template": true,
		"rollouts.v1alpha1.argoproj.io":                          false,
		"rollouts.argoproj.io=spec.template":                     false,
		"rollouts.v1alpha1.argoproj.io=":                         false,
		"rollouts.v1alpha1.argoproj.io=spec..template":           false,
		"rollouts.v1alpha1.argoproj.io=spec[0]":                  false,
		"deployments.v1.apps=spec.template":                      false,
		"Rollouts.v1alpha1.argoproj.io=spec.template":            false,
	} {
		e, problem := ParseExtra(text)
		if problem.Found() == want {
			t.Errorf("%s: %v", text, problem)
		}
		read := fmt.Sprintf("%s.%s.%s=%s", e.Resource, e.Version, e.Group, strings.Join(e.Path, "."))
		if want && read != text {
			t.Errorf("%s is read as %s", text, read)
		}
	}
}

func TestShapes(t *testing.T) {
	const pod = `{"containers":[{"name":"a","image":"b","volumeMounts":[{"name":"kv","mountPath":"/s"}]}],"volumes":[{"name":"kv","csi":{"driver":"secrets-store.csi.k8s.io"}}]}`
	for name, c := range map[string]struct {
		object string
		want   []string
		bad    int
	}{
		"a template":          {`{"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":` + pod + `}}}`, []string{"X spec.template"}, 0},
		"deeper":              {`{"spec":{"jobTargetRef":{"template":{"spec":` + pod + `}}}}`, []string{"X spec.jobTargetRef.template"}, 0},
		"a spec alone":        {`{"spec":{"podSpec":` + pod + `}}`, []string{"X spec.podSpec"}, 0},
		"the object itself":   {`{"spec":` + pod + `}`, []string{"X spec"}, 0},
		"several":             {`{"spec":{"driver":{"template":{"spec":` + pod + `}},"executor":{"template":{"spec":` + pod + `}}}}`, []string{"X spec.driver.template", "X spec.executor.template"}, 0},
		"in a list":           {`{"spec":{"pools":[{"template":{"spec":` + pod + `}}]}}`, []string{"X spec.pools[0].template"}, 0},
		"volumes apart":       {`{"spec":{"volumes":[{"name":"kv","csi":{"driver":"secrets-store.csi.k8s.io"}}],"driver":{"volumeMounts":[{"name":"kv","mountPath":"/s"}]}}}`, []string{"X spec.volumes"}, 0},
		"no pod":              {`{"spec":{"containers":{"a":1}}}`, nil, 0},
		"names of containers": {`{"spec":{"containers":["a"]}}`, nil, 0},
		"not quite":           {`{"spec":{"template":{"spec":{"containers":[{"name":"a","ports":"80"}]}}}}`, nil, 1},
		"nothing":             {`{}`, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var object map[string]any
			if err := json.Unmarshal([]byte(c.object), &object); err != nil {
				t.Fatal(err)
			}
			found, misfits := Shapes("X", &metav1.ObjectMeta{}, object)
			if len(found) != len(c.want) || len(misfits) != c.bad {
				t.Fatalf("found %v, misfits %v", found, misfits)
			}
			for i := range found {
				if got := found[i].String(); got != c.want[i] {
					t.Errorf("%s, want %s", got, c.want[i])
				}
			}
		})
	}
}

// The places of a pod that was put together are those in the object.
func TestRealPlaces(t *testing.T) {
	var object map[string]any
	text := `{"spec":{"volumes":[{"name":"kv","csi":{"driver":"secrets-store.csi.k8s.io"}}],"driver":{"volumeMounts":[{"name":"kv","mountPath":"/s","subPath":"a"}]}}}`
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	found, _ := Shapes("SparkApplication", &metav1.ObjectMeta{}, object)
	s := found[0]
	at := s.SpecPath().Child("containers").Index(0).Child("volumeMounts").Index(0).Child("subPath")
	if got := s.Real(at).String(); got != "spec.driver.volumeMounts[0].subPath" {
		t.Error(got)
	}
	if got := s.Real(s.SpecPath().Child("volumes").Index(0)).String(); got != "spec.volumes[0]" {
		t.Error(got)
	}
}
