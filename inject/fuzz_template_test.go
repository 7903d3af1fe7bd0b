package inject_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
	"akv-injector/internal/testing/corpus"
)

// FuzzTemplate decides about arbitrary workloads, of the kind and in the cluster of any case.
func FuzzTemplate(f *testing.F) {
	var workloads []*corpus.Case
	seeds(f, func(c *corpus.Case) {
		if c.Workload() {
			f.Add(c.ObjectJSON, uint16(len(workloads)))
			workloads = append(workloads, c)
		}
	})
	f.Fuzz(func(t *testing.T, text []byte, which uint16) {
		c := workloads[int(which)%len(workloads)]
		object := reflect.New(reflect.TypeOf(c.Object).Elem()).Interface().(runtime.Object)
		if json.Unmarshal(text, object) != nil {
			return
		}
		// As in FuzzPod: the API server sends keys only in their own case.
		again := reflect.New(reflect.TypeOf(c.Object).Elem()).Interface().(runtime.Object)
		if err := json.Unmarshal(encode(t, object), again); err != nil {
			t.Fatal(err)
		}
		target := workload.TargetOf(again)
		if target == nil {
			return // a ReplicationController without a template
		}
		request := inject.Parse(target, c.NamespaceObject(), c.Settings())
		known := c.FactsFor(request.Needs())
		d := inject.Decide(request, known)
		for _, f := range d.Findings {
			inside := f.Place.Below(target.Path) || slices.ContainsFunc(target.Between, func(b workload.Between) bool { return f.Place.Below(b.Place) }) || strings.HasPrefix(f.Place.String(), "metadata.") || f.Rule == "AKV034" && f.Place.String() == "spec.replicas" || f.Place.InNamespace()
			if !inside || f.Message == "" || strings.ContainsAny(f.Message+f.Fix, "\n\x00") {
				t.Errorf("%+v", f)
			}
		}
		for _, f := range inject.OnUpdate(&d, &d) {
			if f.Severity == finding.Error {
				t.Errorf("an update that changes nothing is refused: %+v", f)
			}
		}
		// The same for an update that changes something else: places and messages are compared.
		other := *target
		meta := *target.Meta.DeepCopy()
		meta.Annotations, other.Meta = map[string]string{"of": "another"}, &meta
		before := inject.Decide(inject.Parse(&other, c.NamespaceObject(), c.Settings()), known)
		before.Findings = d.Findings
		for _, f := range inject.OnUpdate(&d, &before) {
			if f.Severity == finding.Error && !f.Lasting {
				t.Errorf("an error from before the update refuses: %+v", f)
			}
		}
		for _, line := range d.Describe(known) {
			if len([]rune(line)) > 256 || strings.ContainsAny(line, "\n\x00") {
				t.Errorf("line %q", line)
			}
		}
	})
}
