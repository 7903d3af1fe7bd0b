package workload

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestTargetOf(t *testing.T) {
	for _, k := range Kinds() {
		o := k.New()
		o.SetName("web")
		if rc, ok := o.(*corev1.ReplicationController); ok {
			if TargetOf(rc) != nil {
				t.Error("a ReplicationController without a template has a target")
			}
			rc.Spec.Template = &corev1.PodTemplateSpec{}
		}
		target := TargetOf(o)
		if target == nil || target.Kind != k.Kind || !target.Template || target.Owner == nil || target.Owner.Name != "web" {
			t.Errorf("%s: %+v", k.Kind, target)
		}
	}
	if path := TargetOf(kinds[len(kinds)-1].New()).Path.String(); path != "spec.jobTemplate.spec.template" {
		t.Errorf("a CronJob's template is at %s", path)
	}
	if target := TargetOf(&corev1.Pod{}); target == nil || target.Template || target.Kind != "Pod" || target.Owner != nil {
		t.Errorf("a Pod is %+v", target)
	}
	if TargetOf(&corev1.Secret{}) != nil {
		t.Error("a Secret has a target")
	}
}
