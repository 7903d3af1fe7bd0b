package inject_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"akv-injector/inject"
	"akv-injector/inject/workload"
	"akv-injector/internal/testing/corpus"
)

// FuzzTemplate takes any workload whatsoever, of the kind and in the cluster of any case.
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
		// As in FuzzPod: the API server sends no keys but its own.
		again := reflect.New(reflect.TypeOf(c.Object).Elem()).Interface().(runtime.Object)
		if err := json.Unmarshal(encode(t, object), again); err != nil {
			t.Fatal(err)
		}
		target := workload.TargetOf(again)
		if target == nil {
			return // a ReplicationController without a template
		}
		request := inject.Parse(target, c.NamespaceObject(), c.Settings())
		facts := c.FactsFor(request.Needs())
		d := inject.Decide(target, request, facts)
		for _, finding := range d.Findings {
			inside := strings.HasPrefix(finding.Place.String(), target.Path.String()) || strings.HasPrefix(finding.Place.String(), "metadata.") ||
				strings.HasPrefix(finding.Place.String(), "namespace.metadata.")
			if !inside || finding.Message == "" || strings.ContainsAny(finding.Message+finding.Fix, "\n\x00") {
				t.Errorf("%+v", finding)
			}
		}
		for _, finding := range inject.OnUpdate(target, target, d.Findings, d.Findings) {
			if finding.Severity == inject.Error {
				t.Errorf("an update that changes nothing is refused: %+v", finding)
			}
		}
		// The same by places and messages, as for an update that changes something else.
		other := *target
		meta := *target.Meta.DeepCopy()
		meta.Annotations, other.Meta = map[string]string{"of": "another"}, &meta
		for _, finding := range inject.OnUpdate(target, &other, d.Findings, d.Findings) {
			if finding.Severity == inject.Error {
				t.Errorf("an error that was there before refuses: %+v", finding)
			}
		}
		for _, line := range inject.Describe(target, request, facts, &d) {
			if len([]rune(line)) > 256 || strings.ContainsAny(line, "\n\x00") {
				t.Errorf("line %q", line)
			}
		}
	})
}
