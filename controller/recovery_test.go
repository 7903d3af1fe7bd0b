package controller

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

func TestRecoverClass(t *testing.T) {
	var (
		class  = classOf("payments", "db")
		other  = classOf("payments", "api")
		wanted = []provider.Class{class}
	)
	withParameter := func(key, value string) provider.Class {
		parameters := maps.Clone(class.Parameters)
		parameters[key] = value
		return hashed(parameters)
	}
	without := func(key string) provider.Class {
		parameters := maps.Clone(class.Parameters)
		delete(parameters, key)
		return hashed(parameters)
	}
	text := func(pod *corev1.Pod, status string) corev1.Pod {
		pod.Annotations = map[string]string{annotation.Status: status}
		return *pod
	}
	node, azure, podIdentity, anonymous := withParameter("useVMManagedIdentity", "true"),
		withParameter("cloudEnvFileName", "/etc/passwd"), withParameter("usePodIdentity", "true"), without("clientID")

	tests := map[string]struct {
		name string
		pods []corev1.Pod
		want bool
	}{
		"a pod's own status": {class.Name, []corev1.Pod{*mounting("a", wanted, class.Name)}, true},
		"among others":       {class.Name, []corev1.Pod{*mounting("a", []provider.Class{other, class}, class.Name)}, true},
		"the third pod's": {class.Name, []corev1.Pod{
			*mounting("a", nil, class.Name),
			text(mounting("b", nil, class.Name), "not JSON"),
			*mounting("c", wanted, class.Name),
		}, true},
		"no pods":            {class.Name, nil, false},
		"no status":          {class.Name, []corev1.Pod{*mounting("a", nil, class.Name)}, false},
		"status of no class": {class.Name, []corev1.Pod{*mounting("a", []provider.Class{}, class.Name)}, false},
		"status of another class": {
			class.Name, []corev1.Pod{*mounting("a", []provider.Class{other}, class.Name)}, false,
		},
		"forged: another vault under the name": {
			class.Name, []corev1.Pod{*mounting("a", []provider.Class{with(class, "keyvaultName", "somebody-elses")}, class.Name)}, false,
		},
		"forged: another object under the name": {
			class.Name, []corev1.Pod{*mounting("a", []provider.Class{with(class, "objects", other.Parameters["objects"])}, class.Name)}, false,
		},
		"forged: a vault whose name holds the hash of another": {
			class.Name, []corev1.Pod{*mounting("a", []provider.Class{{Name: class.Name, Parameters: other.Parameters}}, class.Name)}, false,
		},
		"forged, then honest": {class.Name, []corev1.Pod{
			*mounting("a", []provider.Class{with(class, "keyvaultName", "somebody-elses"), class}, class.Name),
		}, true},
		"hashed by hand: the node's identity":   {node.Name, []corev1.Pod{*mounting("a", []provider.Class{node}, node.Name)}, false},
		"hashed by hand: another Azure":         {azure.Name, []corev1.Pod{*mounting("a", []provider.Class{azure}, azure.Name)}, false},
		"hashed by hand: pod identity":          {podIdentity.Name, []corev1.Pod{*mounting("a", []provider.Class{podIdentity}, podIdentity.Name)}, false},
		"hashed by hand: no identity":           {anonymous.Name, []corev1.Pod{*mounting("a", []provider.Class{anonymous}, anonymous.Name)}, false},
		"parameters that are no map of strings": {class.Name, []corev1.Pod{text(mounting("a", nil, class.Name), `{"classes":[{"name":"`+class.Name+`","parameters":[1]}]}`)}, false},
		"null":                                  {class.Name, []corev1.Pod{text(mounting("a", nil, class.Name), "null")}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := recoverClass(tc.name, tc.pods)
			if ok != tc.want {
				t.Fatalf("recovered = %t, want %t", ok, tc.want)
			}
			if ok {
				if diff := cmp.Diff(class, got); diff != "" {
					t.Errorf("class (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// What admission writes today must be what is restored tomorrow.
func TestPlannedClassesCanBeRecovered(t *testing.T) {
	target := &workload.Target{
		Meta: &metav1.ObjectMeta{Namespace: testNamespace, Annotations: map[string]string{
			annotation.Vault:                  "Payments-KV",
			annotation.Objects:                "db, cert/tls",
			annotation.Objects + ".shared-kv": "key/signing",
			annotation.ClientID:               "11111111-2222-3333-4444-555555555555",
			annotation.TenantID:               "66666666-7777-8888-9999-000000000000",
		}},
		Spec: &corev1.PodSpec{ServiceAccountName: "pay", Containers: []corev1.Container{{Name: "app"}}},
	}
	request := inject.Parse(target, namespaceWith(), inject.Settings{Version: "v1"})
	decision := inject.Decide(request, facts.Facts{
		Namespace:       namespaceWith(),
		ServiceAccounts: map[string]*corev1.ServiceAccount{"pay": {ObjectMeta: metav1.ObjectMeta{Name: "pay"}}},
	})
	if len(decision.Errors()) > 0 || len(decision.Classes) != 2 {
		t.Fatalf("classes %v, errors %v", decision.Classes, decision.Errors())
	}
	for _, class := range decision.Classes {
		pod := mounting("a", decision.Classes, class.Name)
		if got, ok := recoverClass(class.Name, []corev1.Pod{*pod}); !ok || !cmp.Equal(class, got) {
			t.Errorf("class %s is not recovered", class.Name)
		}
		if !provider.Generated(class.Name) || !intact(stored(class)) {
			t.Errorf("class %s is not known as intact", class.Name)
		}
	}
}

func FuzzRecoverClass(f *testing.F) {
	class := classOf("payments", "db")
	f.Add(inject.Status{Classes: []provider.Class{class}}.String(), class.Name)
	f.Add(inject.Status{Classes: []provider.Class{with(class, "tenantID", "evil")}}.String(), class.Name)
	f.Add("null", class.Name)
	f.Add("{", "")
	f.Fuzz(func(t *testing.T, status, name string) {
		pod := mounting("a", nil, name)
		pod.Annotations = map[string]string{annotation.Status: status}
		got, ok := recoverClass(name, []corev1.Pod{*pod})
		if !ok {
			return
		}
		if got.Name != name || hashed(got.Parameters).Name != name {
			t.Errorf("recovered %v for %q", got, name)
		}
		if !got.Verified() {
			t.Errorf("recovered %v, which admission never writes", got)
		}
	})
}
