package admission_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/injector"
)

// Who creates a pod hears at once why its class cannot be written, and nothing is
// stored.
func TestRefusedClassIsTold(t *testing.T) {
	t.Parallel()
	t.Run("by a quota", func(t *testing.T) {
		t.Parallel()
		s := shared(t)
		namespace := s.namespace(t)
		s.limitClasses(t, namespace)
		s.wantClassRefused(t, namespace, "exceeded quota: no-classes", "raise the namespace's ResourceQuota")
	})
	t.Run("by somebody's policy", func(t *testing.T) {
		t.Parallel()
		s := shared(t)
		namespace := s.namespace(t)
		s.kubectl(t, "label", "namespace", namespace, "platform=strict")
		// Its words are its own: they may be those of RBAC.
		s.denyClasses(t, "classes cannot be made here, ask the platform team")
		s.awaitClassRefused(t, namespace)
		s.wantClassRefused(t, namespace, "ask the platform team", "let the policy or webhook named here accept")
	})
}

// classRefusedByRBAC leaves akv-injector without the right to create classes.
func classRefusedByRBAC(t *testing.T, s *system) {
	namespace := s.namespace(t)
	s.withholdCreate(t)
	s.wantClassRefused(t, namespace, "cannot create resource", "give akv-injector's ServiceAccount the verbs")
}

var generatedClass = regexp.MustCompile(`akv-payments-kv-[a-z2-7]{26}`)

// wantClassRefused wants a pod refused for its class, with the reason and the fix.
func (s *system) wantClassRefused(t *testing.T, namespace, reason, fix string) {
	t.Helper()
	if a := s.admit(t.Context(), request{namespace: namespace, pod: askingPod("preview"), dryRun: true}); a.err != nil {
		t.Errorf("a dry run writes no class and has nothing to be refused: %v", a.err)
	}
	a := s.admit(t.Context(), request{namespace: namespace, pod: askingPod("asking")})
	if !verdict(a.err) {
		t.Fatalf("the pod: %v, want it refused", a.err)
	}
	for _, want := range []string{injector.Mutating, `namespace "` + namespace + `"`, reason, "Fix: " + fix} {
		if !strings.Contains(a.err.Error(), want) {
			t.Errorf("the refusal does not say %q:\n%v", want, a.err)
		}
	}
	if !generatedClass.MatchString(a.err.Error()) {
		t.Errorf("the refusal does not name the class:\n%v", a.err)
	}
	if pods := s.pods(t, namespace); len(pods) > 0 {
		t.Errorf("pods were stored: %v", pods)
	}
	if classes := s.classes(t, namespace); len(classes) > 0 {
		t.Errorf("classes were stored: %v", classes)
	}
}

// awaitClassRefused waits until the program itself may write no class in the namespace.
func (s *system) awaitClassRefused(t *testing.T, namespace string) {
	t.Helper()
	client, err := s.dynamic(injectorUser)
	if err != nil {
		t.Fatal(err)
	}
	class := object(`
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: akv-probe, labels: {app.kubernetes.io/managed-by: akv-injector}}
spec: {provider: azure}
`)
	soon.Require(t, "the refusal of a class in "+namespace, func(ctx context.Context) (bool, string) {
		_, err := client.Resource(classesResource).Namespace(namespace).Create(ctx, class.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return verdict(err), fmt.Sprint(err)
	})
}

// verdict tells a refusal (RBAC and quotas forbid, a policy calls invalid) from a failure.
func verdict(err error) bool {
	code := httpCode(err)
	return code == http.StatusForbidden || code == http.StatusUnprocessableEntity
}

// limitClasses allows no class in the namespace. The status is what the
// controller-manager would write; without it the API server does not know the usage.
func (s *system) limitClasses(t *testing.T, namespace string) {
	t.Helper()
	const count = "count/secretproviderclasses.secrets-store.csi.x-k8s.io"
	zero := corev1.ResourceList{count: resource.MustParse("0")}
	quotas := s.Client.CoreV1().ResourceQuotas(namespace)
	quota, err := quotas.Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "no-classes"},
		Spec:       corev1.ResourceQuotaSpec{Hard: zero},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	quota.Status = corev1.ResourceQuotaStatus{Hard: zero, Used: zero}
	if _, err := quotas.UpdateStatus(t.Context(), quota, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitClassRefused(t, namespace)
}

// withholdCreate takes the right to create classes from the program's ClusterRole.
func (s *system) withholdCreate(t *testing.T) {
	t.Helper()
	roles := s.Client.RbacV1().ClusterRoles()
	role, err := roles.Get(t.Context(), "akv-injector", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, rule := range role.Rules {
		if slices.Contains(rule.Resources, "secretproviderclasses") {
			role.Rules[i].Verbs = slices.DeleteFunc(rule.Verbs, func(verb string) bool { return verb == "create" })
		}
	}
	if _, err := roles.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitClassRefused(t, metav1.NamespaceDefault)
}

// denyClasses lets a policy of somebody else deny classes where the namespace says
// platform: strict.
func (s *system) denyClasses(t *testing.T, message string) {
	t.Helper()
	const name = "platform-strict"
	strict := &metav1.LabelSelector{MatchLabels: map[string]string{"platform": "strict"}}
	fail := admissionregistrationv1.Fail
	policies := s.Client.AdmissionregistrationV1()
	_, err := policies.ValidatingAdmissionPolicies().Create(t.Context(), &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: &fail,
			MatchConstraints: &admissionregistrationv1.MatchResources{
				ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
					RuleWithOperations: admissionregistrationv1.RuleWithOperations{
						Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
						Rule: admissionregistrationv1.Rule{
							APIGroups: []string{classesResource.Group}, APIVersions: []string{"*"}, Resources: []string{classesResource.Resource},
						},
					},
				}},
			},
			Validations: []admissionregistrationv1.Validation{{Expression: "false", Message: message}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = policies.ValidatingAdmissionPolicyBindings().Create(t.Context(), &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName:        name,
			MatchResources:    &admissionregistrationv1.MatchResources{NamespaceSelector: strict},
			ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}
