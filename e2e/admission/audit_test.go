package admission_test

import (
	"strings"
	"testing"

	"akv-injector/e2e/injector"
)

// What akv-injector did and found is in the cluster's own audit log, under the
// webhook's name.
func TestAuditLogTells(t *testing.T) {
	t.Parallel()
	s := shared(t)
	namespace := s.namespace(t)
	injected := s.mustAdmit(t, request{namespace: namespace, pod: askingPod("injected")})
	class := injected.pod.Object["spec"].(map[string]any)["volumes"].([]any)

	event := s.audited(t, namespace, "injected")
	name := event.Annotations[injector.Mutating+"/classes"]
	if !generatedClass.MatchString(name) || !strings.Contains(string(mustJSON(t, class)), name) {
		t.Errorf("the class that is told is %q, the volumes are %v", name, class)
	}
	if patched := event.Annotations["mutation.webhook.admission.k8s.io/round_0_index_0"]; !strings.Contains(patched, `"mutated":true`) {
		t.Errorf("the API server's own annotation is %q", patched)
	}

	warned := s.mustAdmit(t, request{namespace: namespace, pod: handwrittenPod("warned", "missing")})
	if len(warned.warnings) == 0 {
		t.Error("a pod whose class is missing is not warned of")
	}
	if findings := s.audited(t, namespace, "warned").Annotations[injector.Handwritten+"/findings"]; !strings.HasPrefix(findings, "warning AKV007 spec.volumes[0]") {
		t.Errorf("the findings that are told are %q", findings)
	}

	refused := handwrittenPod("refused", "missing")
	first(refused, "spec", "volumes")["csi"].(map[string]any)["readOnly"] = false
	if a := s.admit(t.Context(), request{namespace: namespace, pod: refused}); httpCode(a.err) != 422 {
		t.Errorf("a pod without readOnly: %v, want it refused", a.err)
	}
	event = s.audited(t, namespace, "refused")
	if findings := event.Annotations[injector.Handwritten+"/findings"]; !strings.HasPrefix(findings, "error AKV002 spec.volumes[0].csi.readOnly; ") {
		t.Errorf("the findings that are told of the refused pod are %q", findings)
	}
	if event.ResponseStatus.Code != 422 {
		t.Errorf("the refusal is told with HTTP %d", event.ResponseStatus.Code)
	}
}
