package inject_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/azprovider"
	"akv-injector/internal/testing/corpus"
)

func seeds(f *testing.F, seed func(*corpus.Case)) {
	f.Helper()
	cases, err := corpus.Load(corpus.Root())
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		seed(c)
	}
}

// FuzzPod admits arbitrary pods, in the cluster of any case, with one of our annotations set
// to an arbitrary value. Go's decoder accepts keys in any case, but the API server sends them
// only in their own: so the pod is encoded and decoded once before it is admitted.
func FuzzPod(f *testing.F) {
	shared := map[string]*corpus.Case{}
	var names []string
	seeds(f, func(c *corpus.Case) {
		if c.Pod == nil {
			return
		}
		shared[c.Name] = c
		names = append(names, c.Name)
		f.Add(c.PodJSON, uint16(len(names)-1), "", "")
		for key, value := range c.Pod.Annotations {
			if key, ok := strings.CutPrefix(key, annotation.Prefix); ok {
				f.Add(c.PodJSON, uint16(len(names)-1), key, value)
			}
		}
	})
	f.Add([]byte(`{"metadata":{"annotations":{"azure.keyvault.injector/objects":"a=\u0000@\ufffd"}}}`), uint16(0), "env", "A=\xff")
	f.Fuzz(func(t *testing.T, text []byte, which uint16, key, value string) {
		pod := &corev1.Pod{}
		if json.Unmarshal(text, pod) != nil {
			return
		}
		c := shared[names[int(which)%len(names)]]
		if key != "" {
			metav1.SetMetaDataAnnotation(&pod.ObjectMeta, strings.ToValidUTF8(annotation.Prefix+key, "\ufffd"), strings.ToValidUTF8(value, "\ufffd"))
		}
		text = encode(t, pod)
		pod = decodePod(t, text)
		target := c.TargetOf(pod)
		request := inject.Parse(target, c.NamespaceObject(), c.Settings())
		facts := c.FactsFor(request.Needs())
		d := inject.Decide(request, facts)
		if !bytes.Equal(text, encode(t, pod)) {
			t.Fatalf("Decide changed the pod:\n%s", cmp.Diff(string(text), string(encode(t, pod))))
		}
		for _, finding := range d.Findings {
			if finding.Place.String() == "" || finding.Message == "" || strings.ContainsAny(finding.Message+finding.Fix, "\n\x00") {
				t.Errorf("%+v", finding)
			}
		}
		if !d.Injected {
			if len(d.Patch)+len(d.Classes) > 0 {
				t.Errorf("patch %v and classes %v of a pod that is not injected", d.Patch, d.Classes)
			}
			return
		}
		for _, class := range d.Classes {
			if !class.Verified() || !provider.Generated(class.Name) {
				t.Errorf("the name %q does not match the content", class.Name)
			}
			azprovider.Read(t, class.Parameters["objects"])
		}
		again := decodePod(t, patched(t, text, &d))
		if diff := cmp.Diff(inject.PlannedSpec(request, facts).Volumes, again.Spec.Volumes); diff != "" {
			t.Errorf("volumes (-planned +patched):\n%s", diff)
		}
		target = c.TargetOf(again)
		request = inject.Parse(target, c.NamespaceObject(), c.Settings())
		second := inject.Decide(request, c.FactsFor(request.Needs()))
		if !second.Injected || len(second.Patch) > 0 {
			t.Errorf("second round: patch %v, errors %v", second.Patch, second.Errors())
		}
		if diff := cmp.Diff(d.Classes, second.Classes); diff != "" {
			t.Errorf("classes of the second round (-first +second):\n%s", diff)
		}
		// After all webhooks, rules also check for parts that the first round has not added yet.
		if diff := cmp.Diff(d.Findings, second.Findings); diff != "" && !target.Admitted {
			t.Errorf("findings of the second round (-first +second):\n%s", diff)
		}
	})
}
