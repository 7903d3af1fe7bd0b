package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"akv-injector/deploy"
	"akv-injector/internal/text"
)

// shippedNamespace and shippedAccount are those of deploy/install.yaml.
const (
	shippedNamespace = "akv-injector-system"
	shippedAccount   = "system:serviceaccount:" + shippedNamespace + ":akv-injector"
)

// shippedWebhooks are our webhooks as they are shipped, by name. Those of both kinds have the fields of the mutating one.
var shippedWebhooks = sync.OnceValues(func() (map[string]admissionregistrationv1.MutatingWebhook, error) {
	found := map[string]admissionregistrationv1.MutatingWebhook{}
	return found, eachShipped(func(c *struct {
		Kind     string
		Webhooks []admissionregistrationv1.MutatingWebhook
	},
	) {
		if c.Kind == "MutatingWebhookConfiguration" || c.Kind == "ValidatingWebhookConfiguration" {
			for i := range c.Webhooks {
				found[c.Webhooks[i].Name] = c.Webhooks[i]
			}
		}
	})
})

// eachShipped reads each object of deploy/install.yaml.
func eachShipped[T any](take func(*T)) error {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(deploy.Install), 4096)
	for {
		var o T
		switch err := decoder.Decode(&o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("deploy/install.yaml: %w", err)
		}
		take(&o)
	}
}

func checkDrift(ctx context.Context, p *Patient, r *report) {
	found, _, err := p.ours(ctx)
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	shipped, err := shippedWebhooks()
	if err != nil {
		r.notChecked(err.Error())
		return
	}
	same := 0
	for i := range found {
		w := &found[i]
		was, known := shipped[w.name]
		if !known {
			r.of(w.configuration, Warning, fmt.Sprintf("the webhook %s is not one that is shipped", text.Shorten(w.name)), p.reinstall(ctx))
			continue
		}
		if fields := drift(&was, &w.is, p.InjectorNamespace(ctx), p.injectorAccount(ctx)); len(fields) > 0 {
			r.of(w.configuration, Warning, fmt.Sprintf("the webhook %s differs from what is shipped in %s", w.name, strings.Join(fields, ", ")), p.reinstall(ctx))
			continue
		}
		same++
	}
	if same > 0 && len(r.results) == 0 {
		r.ok("%d webhooks are as they are shipped", same)
	}
}

// drift names the fields in which a webhook is not as it is shipped. What the chart's values and the API server set is left out:
// the time limit, the CA, the address, and what namespaces have to meet and rules there are beside those that are shipped.
func drift(shipped, is *admissionregistrationv1.MutatingWebhook, namespace, account string) []string {
	var fields []string
	differ := func(field string, a, b any) {
		if !equality.Semantic.DeepEqual(a, b) {
			fields = append(fields, field)
		}
	}
	for i := range shipped.Rules {
		if !slices.ContainsFunc(is.Rules, func(r admissionregistrationv1.RuleWithOperations) bool {
			return equality.Semantic.DeepEqual(shipped.Rules[i], r)
		}) {
			fields = append(fields, "rules")
			break
		}
	}
	differ("matchPolicy", shipped.MatchPolicy, is.MatchPolicy)
	differ("sideEffects", shipped.SideEffects, is.SideEffects)
	wants := requirements(is.NamespaceSelector, namespace)
	if slices.ContainsFunc(requirements(shipped.NamespaceSelector, namespace), func(one string) bool { return !slices.Contains(wants, one) }) {
		fields = append(fields, "namespaceSelector")
	}
	differ("objectSelector", requirements(shipped.ObjectSelector, namespace), requirements(is.ObjectSelector, namespace))
	differ("matchConditions", conditions(shipped.MatchConditions, account), conditions(is.MatchConditions, account))
	if shipped.ReinvocationPolicy != nil {
		differ("reinvocationPolicy", shipped.ReinvocationPolicy, is.ReinvocationPolicy)
	}
	return fields
}

// requirements are what a selector wants, sorted, for an installation in a namespace.
func requirements(s *metav1.LabelSelector, namespace string) []string {
	all := []string{}
	if s == nil {
		return all
	}
	for key, value := range s.MatchLabels {
		all = append(all, key+" = "+value)
	}
	for _, e := range s.MatchExpressions {
		values := slices.Clone(e.Values)
		for i := range values {
			if values[i] == shippedNamespace {
				values[i] = namespace
			}
		}
		slices.Sort(values)
		all = append(all, fmt.Sprintf("%s %s %s", e.Key, e.Operator, strings.Join(values, ",")))
	}
	slices.Sort(all)
	return all
}

// conditions are the words of match conditions, which may be broken into lines in other ways.
func conditions(all []admissionregistrationv1.MatchCondition, account string) []string {
	words := []string{}
	for _, c := range all {
		expression := strings.Join(strings.Fields(c.Expression), " ")
		words = append(words, c.Name+": "+strings.ReplaceAll(expression, shippedAccount, account))
	}
	return words
}
