package rotation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// binding: an identity that is reached through an identity binding, without a federated credential for the account. The account
// may not use it at first, which admission says; with the ClusterRole that it names the pod starts, and its secret rotates.
func binding(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "binding")
	check(t, tenant.Unfederate())
	identity, err := s.Azure.Identity("", tenant.Namespace)
	check(t, err)
	check(t, s.TokenProxy.Bind(&identity))
	setSecret(t, tenant, "DB-Password", "old value")

	pod := tenant.Pod("binding", "DB-Password")
	pod.Annotations[annotation.IdentityMode] = annotation.IdentityBinding
	told := warningsOf(t, s, pod.DeepCopy())
	role := fmt.Sprintf("verbs [%s], apiGroups [%s], resources [%s]", provider.BindingVerb, provider.BindingGroup, tenant.ClientID)
	if text := strings.Join(told, "\n"); !strings.Contains(text, "AKV033") || !strings.Contains(text, role) {
		t.Errorf("told %q, want AKV033 with %s", told, role)
	}
	auto := tenant.Pod("auto", "DB-Password")
	auto.Annotations[annotation.IdentityMode] = annotation.IdentityAuto
	if parameters := parametersOf(t, s, tenant, auto.DeepCopy()); parameters[provider.ParamTokenProxy] != "" {
		t.Errorf("auto, of an account that may not use the binding, has the class %v", parameters)
	}

	check(t, s.API.Create(t.Context(), pod))
	event, err := tenant.AwaitEvent(t.Context(), "pod/"+pod.Name+" FailedMount", "has not the permission to use the managed identity")
	check(t, err)
	t.Log(event)
	allow(t, s, tenant)
	_, err = tenant.AwaitPod(t.Context(), pod.Name)
	check(t, err)
	if on := pod.Annotations[provider.AnnotationUseBinding]; on != "true" {
		t.Errorf("the annotation %s is %q", provider.AnnotationUseBinding, on)
	}
	const file = system.Mounted + "/DB-Password"
	check(t, tenant.AwaitContent(t.Context(), pod.Name, file, "old value"))
	setSecret(t, tenant, "DB-Password", "new value")
	check(t, tenant.AwaitContent(t.Context(), pod.Name, file, "new value"))

	auto.Name = "auto-again"
	if parameters := parametersOf(t, s, tenant, auto); parameters[provider.ParamTokenProxy] != "true" {
		t.Errorf("auto, of an account that may use the binding, has the class %v", parameters)
	}
}

// warnings keeps what the API server warns of.
type warnings struct{ lines []string }

func (w *warnings) HandleWarningHeader(_ int, _, text string) { w.lines = append(w.lines, text) }

// warningsOf are those of a dry run.
func warningsOf(t *testing.T, s *system.System, o client.Object) []string {
	t.Helper()
	told := &warnings{}
	config := rest.CopyConfig(s.Config)
	config.WarningHandler = told
	api, err := client.New(config, client.Options{Scheme: s.API.Scheme()})
	check(t, err)
	check(t, api.Create(t.Context(), o, client.DryRunAll))
	return told.lines
}

// allow lets the tenant's account use its identity, with the ClusterRole that the warning names.
func allow(t *testing.T, s *system.System, tenant *system.Tenant) {
	t.Helper()
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "use-" + tenant.Namespace},
		Rules:      []rbacv1.PolicyRule{{Verbs: []string{provider.BindingVerb}, APIGroups: []string{provider.BindingGroup}, Resources: []string{tenant.ClientID}}},
	}
	bound := &rbacv1.ClusterRoleBinding{
		ObjectMeta: role.ObjectMeta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: tenant.Namespace, Name: system.Account}},
	}
	check(t, s.API.Create(t.Context(), role))
	check(t, s.API.Create(t.Context(), bound))
}

// parametersOf creates a pod, and gives its generated class's parameters. Whether an account may use an identity is asked at each
// admission, of an API server that hears of roles a moment later.
func parametersOf(t *testing.T, s *system.System, tenant *system.Tenant, pod *corev1.Pod) map[string]string {
	t.Helper()
	check(t, s.API.Create(t.Context(), pod))
	var class secretsstorev1.SecretProviderClass
	for _, v := range pod.Spec.Volumes {
		if name, ok := provider.ClassName(&v); ok {
			check(t, s.API.Get(context.Background(), client.ObjectKey{Namespace: tenant.Namespace, Name: name}, &class))
			return class.Spec.Parameters
		}
	}
	t.Fatal("the pod was not injected")
	return nil
}
