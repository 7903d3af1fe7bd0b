package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"

	"akv-injector/inject/annotation"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// leftOut is why the API server does not ask a webhook about a pod.
type leftOut struct {
	// why is empty if the webhook is asked.
	why string
	// label of the namespace that keeps the pod out; empty if it is something else.
	label string
}

// selected says whether a webhook's selectors leave a namespace out, for another reason than that it has not opted in.
func selected(w *admissionregistrationv1.MutatingWebhook, ns *corev1.Namespace) leftOut {
	has := labels.Set{corev1.LabelMetadataName: ns.Name}
	maps.Copy(has, ns.Labels)
	for _, one := range parts(w.NamespaceSelector) {
		selector, err := metav1.LabelSelectorAsSelector(one.selector)
		switch {
		case err != nil:
			return leftOut{why: "the namespaceSelector of " + w.Name + " cannot be read: " + text.Line(err.Error(), 200)}
		case one.key == annotation.LabelInjection || selector.Matches(has):
			continue
		case one.key == corev1.LabelMetadataName:
			return leftOut{why: fmt.Sprintf("the namespaceSelector of %s leaves namespace %s out by its name", text.Shorten(w.Name), ns.Name)}
		}
		return leftOut{why: fmt.Sprintf("the namespaceSelector of %s leaves namespace %s out: %s", text.Shorten(w.Name), ns.Name, text.Line(selector.String(), 200)), label: one.key}
	}
	return leftOut{}
}

// requirement is one of a selector's, as a selector.
type requirement struct {
	key      string
	selector *metav1.LabelSelector
}

func parts(s *metav1.LabelSelector) []requirement {
	if s == nil {
		return nil
	}
	var all []requirement
	for key, value := range s.MatchLabels {
		all = append(all, requirement{key, &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}})
	}
	for _, e := range s.MatchExpressions {
		all = append(all, requirement{e.Key, &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{e}}})
	}
	return all
}

// asked says whether the API server asks a webhook about a pod of a target that is created.
func asked(ctx context.Context, w *admissionregistrationv1.MutatingWebhook, ns *corev1.Namespace, t *workload.Target) (leftOut, error) {
	if out := selected(w, ns); out.why != "" {
		return out, nil
	}
	if w.ObjectSelector != nil {
		selector, err := metav1.LabelSelectorAsSelector(w.ObjectSelector)
		if err != nil {
			return leftOut{}, err
		}
		if !selector.Matches(labels.Set(t.Meta.Labels)) {
			return leftOut{why: fmt.Sprintf("the objectSelector of %s leaves the pod out: %s", text.Shorten(w.Name), text.Line(selector.String(), 200))}, nil
		}
	}
	variables, err := variablesOf(ns.Name, t)
	if err != nil {
		return leftOut{}, err
	}
	for _, c := range w.MatchConditions {
		matches, err := evaluate(ctx, c.Expression, variables)
		switch {
		case err != nil:
			return leftOut{}, fmt.Errorf("the match condition %s of %s: %w", text.Shorten(c.Name), text.Shorten(w.Name), err)
		case !matches:
			return leftOut{why: fmt.Sprintf("the match condition %s of %s does not hold for the pod", text.Shorten(c.Name), text.Shorten(w.Name))}, nil
		}
	}
	return leftOut{}, nil
}

// variablesOf are those of match conditions when a pod is created. Who creates it is not known.
func variablesOf(namespace string, t *workload.Target) (map[string]any, error) {
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: *t.Meta, Spec: *t.Spec}
	encoded, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	if err := json.Unmarshal(encoded, &object); err != nil {
		return nil, err
	}
	kind := map[string]any{"group": "", "version": "v1", "kind": "Pod"}
	resource := map[string]any{"group": "", "version": "v1", "resource": "pods"}
	return map[string]any{
		"object": object, "oldObject": nil,
		"request": map[string]any{
			"kind": kind, "requestKind": kind, "resource": resource, "requestResource": resource, "name": t.Meta.Name, "namespace": namespace,
			"operation": string(admissionregistrationv1.Create), "userInfo": map[string]any{"username": "", "groups": []any{}}, "dryRun": false,
		},
	}, nil
}

// language is that of match conditions, as the API server has it.
var language = sync.OnceValues(func() (*cel.Env, error) {
	set, err := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions: []cel.EnvOption{
			cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType), cel.Variable("request", cel.DynType), cel.Variable("authorizer", library.AuthorizerType),
		},
	})
	if err != nil {
		return nil, err
	}
	return set.StoredExpressionsEnv(), nil
})

func evaluate(ctx context.Context, expression string, variables map[string]any) (bool, error) {
	env, err := language()
	if err != nil {
		return false, err
	}
	ast, issues := env.Compile(expression)
	if err := issues.Err(); err != nil {
		return false, errors.New("it cannot be read: " + text.Line(strings.Join(strings.Fields(err.Error()), " "), 200))
	}
	const often = 100
	program, err := env.Program(ast, cel.CostLimit(celconfig.PerCallLimit), cel.InterruptCheckFrequency(often))
	if err != nil {
		return false, err
	}
	value, _, err := program.ContextEval(ctx, variables)
	if err != nil {
		return false, errors.New("it cannot be evaluated: " + text.Line(err.Error(), 200))
	}
	matches, ok := value.Value().(bool)
	if !ok {
		return false, errors.New("it is neither true nor false")
	}
	return matches, nil
}
