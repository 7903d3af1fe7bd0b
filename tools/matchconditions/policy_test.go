package matchconditions

import (
	"maps"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// The words of the rule AKV021 (inject.NotOptedInMessage, inject.NotOptedInFix), which the
// product's own tests compare with the manifests.
const (
	notOptedInShop = "AKV021 not-opted-in: The namespace has not opted in to akv-injector, so the pods get no secrets and nothing rotates. " +
		"Fix: Run: kubectl label namespace shop azure.keyvault.injector/injection=enabled"
	leftOutSystem = "AKV021 not-opted-in: akv-injector never checks the namespace kube-system, so the pods get no secrets and nothing rotates. " +
		"Fix: Run them in another namespace, or remove the annotations."
	leftOutShop = "AKV021 not-opted-in: akv-injector never checks the namespace shop, so the pods get no secrets and nothing rotates. " +
		"Fix: Run them in another namespace, or remove the annotations."
)

// policy is a policy in the manifests, compiled as the API server does.
func policy(t *testing.T, name string) validating.Validator {
	t.Helper()
	return policyIn(t, documents(t), name)
}

func policyIn(t *testing.T, documents [][]byte, name string) validating.Validator {
	t.Helper()
	var p admissionregistrationv1.ValidatingAdmissionPolicy
	for _, document := range documents {
		var meta metav1.PartialObjectMetadata
		unmarshal(t, document, &meta)
		if meta.Kind == "ValidatingAdmissionPolicy" && meta.Name == name {
			unmarshal(t, document, &p)
		}
	}
	if len(p.Spec.Validations) == 0 {
		t.Fatalf("no ValidatingAdmissionPolicy %s in %s", name, manifests)
	}
	vars := cel.OptionalVariableDeclarations{HasAuthorizer: true}
	compiler, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(oldest))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range p.Spec.Variables {
		variable := &validating.Variable{Name: v.Name, Expression: v.Expression}
		if got := compiler.CompileAndStoreVariable(variable, vars, environment.NewExpressions); got.Error != nil {
			t.Fatalf("variable %s: %v", v.Name, got.Error)
		}
	}
	var conditions, validations, messages []cel.ExpressionAccessor
	for _, c := range p.Spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&c))
	}
	for _, v := range p.Spec.Validations {
		validations = append(validations, &validating.ValidationCondition{Expression: v.Expression, Message: v.Message, Reason: v.Reason})
		message := v.MessageExpression
		if message == "" {
			message = "''" // none, so that the others keep their places
		}
		messages = append(messages, &validating.MessageExpressionCondition{MessageExpression: message})
	}
	for _, accessor := range append(append(append([]cel.ExpressionAccessor{}, conditions...), validations...), messages...) {
		if got := compiler.CompileCELExpression(accessor, vars, environment.NewExpressions); got.Error != nil {
			t.Errorf("%s: %v", accessor.GetExpression(), got.Error)
		}
	}
	fail := admissionregistrationv1.Fail // an expression that fails is an error here, whatever the policy says
	matcher := matchconditions.NewMatcher(compiler.CompileCondition(conditions, vars, environment.NewExpressions), &fail, "policy", "validate", p.Name)
	return validating.NewValidator(
		compiler.CompileCondition(validations, vars, environment.NewExpressions), matcher,
		compiler.CompileCondition(nil, vars, environment.NewExpressions),
		compiler.CompileCondition(messages, vars, environment.NewExpressions), &fail, nil,
	)
}

func TestPolicyOfNamespacesThatDidNotOptIn(t *testing.T) {
	optIn := map[string]string{"azure.keyvault.injector/injection": "enabled"}
	with := func(labels map[string]string, key, value string) map[string]string {
		m := map[string]string{key: value}
		maps.Copy(m, labels)
		return m
	}
	pod := func(annotations map[string]string) runtime.Object {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: annotations}}
	}
	deployment := func(annotations map[string]string) runtime.Object {
		return &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}}}}
	}
	asks := map[string]string{"azure.keyvault.injector/objects": "a"}
	cases := map[string]struct {
		namespace string // shop
		labels    map[string]string
		now       map[string]string
		before    map[string]string // of an update
		user      string
		want      string
	}{
		"opted in":                     {labels: optIn, now: asks},
		"not opted in":                 {now: asks, want: notOptedInShop},
		"opted out":                    {labels: map[string]string{"azure.keyvault.injector/injection": "disabled"}, now: asks, want: notOptedInShop},
		"misspelt":                     {now: map[string]string{"azure.keyvault.injector/obejcts": "a"}, want: notOptedInShop},
		"asks for nothing":             {now: map[string]string{"azure.workload.identity/use": "true"}},
		"no annotations":               {},
		"opts out itself":              {now: with(asks, "azure.keyvault.injector/inject", "false")},
		"kube-system":                  {namespace: "kube-system", labels: optIn, now: asks, want: leftOutSystem},
		"control plane":                {labels: with(optIn, "control-plane", "true"), now: asks, want: leftOutShop},
		"managed by AKS":               {labels: with(optIn, "kubernetes.azure.com/managedby", "aks"), now: asks, want: leftOutShop},
		"updated, had it":              {now: asks, before: asks},
		"updated, brings it":           {now: asks, before: map[string]string{}, want: notOptedInShop},
		"the cluster's own controller": {now: asks, user: "system:serviceaccount:kube-system:replicaset-controller"},
	}
	kinds := map[string]struct {
		kind schema.GroupVersionKind
		of   func(map[string]string) runtime.Object
	}{
		"Pod":        {corev1.SchemeGroupVersion.WithKind("Pod"), pod},
		"Deployment": {appsv1.SchemeGroupVersion.WithKind("Deployment"), deployment},
	}
	validator := policy(t, "akv-injector-not-opted-in")
	for kindName, k := range kinds {
		for name, c := range cases {
			t.Run(kindName+"/"+name, func(t *testing.T) {
				w := write{now: k.of(c.now), user: c.user}
				if c.before != nil {
					w.before = k.of(c.before)
				}
				ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: c.labels}}
				if c.namespace != "" {
					ns.Name = c.namespace
				}
				for form, w := range map[string]write{"typed": w, "map": w.asMaps(t)} {
					got := validator.Validate(t.Context(), schema.GroupVersionResource{}, w.attributes(k.kind), nil, ns,
						celconfig.RuntimeCELCostBudget, nil)
					if denial := firstDenial(got); denial != c.want {
						t.Errorf("%s: %q, want %q", form, denial, c.want)
					}
				}
			})
		}
	}
}

// firstDenial is the message of the first validation that fails, or empty.
func firstDenial(result validating.ValidateResult) string {
	for _, d := range result.Decisions {
		if d.Action == validating.ActionDeny {
			return d.Message
		}
	}
	return ""
}
