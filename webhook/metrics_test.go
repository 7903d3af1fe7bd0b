package webhook

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"akv-injector/inject/annotation"
)

// counters are the values of the counters in the registry, by name and labels.
func counters(t *testing.T, c *cluster) map[string]float64 {
	t.Helper()
	families, err := c.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%s", l.GetName(), l.GetValue()))
			}
			slices.Sort(labels)
			if m.GetCounter() != nil {
				got[strings.TrimPrefix(f.GetName(), "akv_injector_")+" "+strings.Join(labels, ",")] = m.GetCounter().GetValue()
			}
		}
	}
	return got
}

func TestMetrics(t *testing.T) {
	cl := newCluster(append(inPlace(), legacyClass())...)
	a := cl.admission()
	pod := injected(t, a)
	answerOf(t, a.Mutate(), reviewOf(raw(t, pod)))
	answerOf(t, a.Validate(), reviewOf(raw(t, pod)))
	answerOf(t, a.Mutate(), reviewOf(raw(t, withAnnotation(asking(), annotation.RotationPollInterval, "soon"))))
	answerOf(t, a.Validate(), reviewOf(raw(t, handWritten(t, "{name: secrets, mountPath: /s}"))))
	update := reviewOf(raw(t, asking()))
	update.Request.Operation = admissionv1.Update
	answerOf(t, a.Validate(), update)
	update.Request.Operation = "MADE-UP"
	answerOf(t, a.Validate(), update)
	post(a.Mutate(), MutatePath, nil)

	want := map[string]float64{
		"admission_requests_total operation=CREATE,outcome=injected,path=/mutate-v1-pod":  1,
		"admission_requests_total operation=CREATE,outcome=unchanged,path=/mutate-v1-pod": 1,
		"admission_requests_total operation=CREATE,outcome=refused,path=/mutate-v1-pod":   1,
		"admission_requests_total operation=unknown,outcome=error,path=/mutate-v1-pod":    1,
		"admission_requests_total operation=CREATE,outcome=warned,path=/validate-v1-pod":  1,
		"admission_requests_total operation=UPDATE,outcome=skipped,path=/validate-v1-pod": 1,
		"class_writes_total result=created":                                               2,
		"findings_total kind=Pod,outcome=refused,rule=annotations,severity=error":         1,
		"findings_total kind=Pod,outcome=warned,rule=AKV003,severity=warning":             1,
	}
	got := counters(t, cl)
	for name, value := range want {
		if got[name] < value {
			t.Errorf("%s is %v, want at least %v", name, got[name], value)
		}
	}
	for name := range got {
		if strings.Contains(name, "MADE-UP") || strings.Contains(name, "shop") || strings.Contains(name, "web-") {
			t.Errorf("a label from outside: %s", name)
		}
	}
}

func TestMetricNames(t *testing.T) {
	cl := newCluster()
	post(cl.admission().Mutate(), MutatePath, nil)
	families, err := cl.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		got = append(got, f.GetName())
	}
	want := []string{
		"akv_injector_admission_duration_seconds",
		"akv_injector_admission_requests_total",
		"akv_injector_build_info", "akv_injector_vault_check_duration_seconds",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
