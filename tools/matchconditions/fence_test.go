package matchconditions

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

const allowedVaults = "azure.keyvault.injector/allowed-vaults"

var classKind = schema.GroupVersionKind{Group: "secrets-store.csi.x-k8s.io", Version: "v1", Kind: "SecretProviderClass"}

// denied reports whether a policy denies. One that cannot be evaluated is an error here, and
// denies too.
func denied(t *testing.T, v validating.Validator, w write, kind schema.GroupVersionKind, ns *corev1.Namespace) bool {
	t.Helper()
	got := v.Validate(t.Context(), schema.GroupVersionResource{}, w.attributes(kind), nil, ns, celconfig.RuntimeCELCostBudget, nil)
	denied := false
	for _, d := range got.Decisions {
		if d.Evaluation == validating.EvalError {
			t.Errorf("cannot be evaluated: %s", d.Message)
		}
		denied = denied || d.Action == validating.ActionDeny
	}
	return denied
}

func class(provider string, parameters map[string]any) runtime.Object {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "secrets-store.csi.x-k8s.io/v1", "kind": "SecretProviderClass", "metadata": map[string]any{"name": "a", "namespace": "shop"},
		"spec": map[string]any{"provider": provider, "parameters": parameters},
	}}
}

func vault(name string) map[string]any { return map[string]any{"keyvaultName": name} }

// mounting is a pod with a volume of a driver, with attributes.
func mounting(driver string, attributes ...map[string]string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
	for i, a := range attributes {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: fmt.Sprintf("v%d", i), VolumeSource: corev1.VolumeSource{
			CSI: &corev1.CSIVolumeSource{Driver: driver, VolumeAttributes: a},
		}})
	}
	return pod
}

func TestFencePolicy(t *testing.T) {
	const driver = "secrets-store.csi.k8s.io"
	attribute := func(vault string) map[string]string {
		return map[string]string{"secretProviderClass": "a", "keyvaultName": vault}
	}
	pods := corev1.SchemeGroupVersion.WithKind("Pod")
	policies := policy(t, "akv-injector-fence")
	for name, tc := range map[string]struct {
		fence  string // none if empty
		kind   schema.GroupVersionKind
		now    runtime.Object
		before runtime.Object
		deny   bool
	}{
		"no fence":                      {kind: classKind, now: class("azure", vault("salaries-kv"))},
		"inside":                        {fence: "shop-*", kind: classKind, now: class("azure", vault("shop-kv"))},
		"outside":                       {fence: "shop-*", kind: classKind, now: class("azure", vault("salaries-kv")), deny: true},
		"in capitals":                   {fence: "SHOP-*", kind: classKind, now: class("azure", vault("Shop-KV"))},
		"outside, provider in capitals": {fence: "shop-*", kind: classKind, now: class("AZURE", vault("salaries-kv")), deny: true},
		"provider with a space":         {fence: "shop-*", kind: classKind, now: class("azure ", vault("salaries-kv")), deny: true},
		"another provider":              {fence: "shop-*", kind: classKind, now: class("vault", vault("salaries-kv"))},
		"spaces around the name":        {fence: "shop-*", kind: classKind, now: class("azure", vault(" salaries-kv ")), deny: true},
		"no vault":                      {fence: "shop-*", kind: classKind, now: class("azure", map[string]any{})},
		"no parameters":                 {fence: "shop-*", kind: classKind, now: class("azure", nil)},
		"a fence that is blank":         {fence: " ", kind: classKind, now: class("azure", vault("shop-kv")), deny: true},
		"comments and lines":            {fence: "# ours\nshop-kv, # and\n other-?", kind: classKind, now: class("azure", vault("other-x"))},
		"in a comment":                  {fence: "shop-kv # salaries-kv", kind: classKind, now: class("azure", vault("salaries-kv")), deny: true},
		"a glob with a bracket":         {fence: "[a-z]*", kind: classKind, now: class("azure", vault("salaries-kv")), deny: true},
		"a regular expression":          {fence: "s.l.ries-kv", kind: classKind, now: class("azure", vault("salaries-kv")), deny: true},
		"alternatives":                  {fence: "a|salaries-kv", kind: classKind, now: class("azure", vault("salaries-kv")), deny: true},
		"too many stars":                {fence: "*a*l*a*r*e*", kind: classKind, now: class("azure", vault("salaries-kv")), deny: true},
		"too many globs":                {fence: strings.Repeat("salaries-kv,", 101), kind: classKind, now: class("azure", vault("salaries-kv")), deny: true},
		"too long":                      {fence: "salaries-kv # " + strings.Repeat("a", 20_000), kind: classKind, now: class("azure", vault("salaries-kv")), deny: true},
		"as many as are allowed":        {fence: strings.Repeat("salaries-kv,", 100), kind: classKind, now: class("azure", vault("salaries-kv"))},
		"a name beyond any":             {fence: "*", kind: classKind, now: class("azure", vault(strings.Repeat("a", 65))), deny: true},
		"a name with a newline":         {fence: "shop-*", kind: classKind, now: class("azure", vault("shop-a\nsalaries-kv"))}, // no vault's name: AKV008
		"a letter whose small one is k": {fence: "k*", kind: classKind, now: class("azure", vault("\u212av")), deny: true},
		"update: the same":              {fence: "shop-*", kind: classKind, now: class("azure", vault("salaries-kv")), before: class("azure", vault("salaries-kv"))},
		"update: other objects": {
			fence: "shop-*", kind: classKind,
			now:    class("azure", map[string]any{"keyvaultName": "salaries-kv", "objects": "more"}),
			before: class("azure", vault("salaries-kv")), deny: true,
		},
		"update: from another provider": {fence: "shop-*", kind: classKind, now: class("azure", vault("salaries-kv")), before: class("vault", vault("salaries-kv")), deny: true},
		"pod: by its class":             {fence: "shop-*", kind: pods, now: mounting(driver, map[string]string{"secretProviderClass": "a"})},
		"pod: inside":                   {fence: "shop-*", kind: pods, now: mounting(driver, attribute("shop-kv"))},
		"pod: outside":                  {fence: "shop-*", kind: pods, now: mounting(driver, attribute("shop-kv"), attribute("salaries-kv")), deny: true},
		"pod: driver in capitals":       {fence: "shop-*", kind: pods, now: mounting("Secrets-Store.csi.k8s.IO", attribute("salaries-kv")), deny: true},
		"pod: another driver":           {fence: "shop-*", kind: pods, now: mounting("disk.csi.azure.com", attribute("salaries-kv"))},
		"pod: nothing":                  {fence: "shop-*", kind: pods, now: &corev1.Pod{}},
		"pod: too many volumes":         {fence: "*", kind: pods, now: mounting(driver, make([]map[string]string, 1001)...), deny: true},
		"pod: many volumes, no fence":   {kind: pods, now: mounting(driver, make([]map[string]string, 16_000)...)},
		"pod: many volumes that fit":    {fence: strings.Repeat("a-*,", 99) + "shop-*", kind: pods, now: mounting(driver, make([]map[string]string, 1000)...)},
	} {
		t.Run(name, func(t *testing.T) {
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
			if tc.fence != "" {
				ns.Annotations = map[string]string{allowedVaults: tc.fence}
			}
			w := write{now: tc.now, before: tc.before}
			for form, w := range map[string]write{"as it is": w, "map": w.asMaps(t)} {
				if got := denied(t, policies, w, tc.kind, ns); got != tc.deny {
					t.Errorf("%s: denied is %t, want %t", form, got, tc.deny)
				}
			}
		})
	}
}

// A misspelt fence is refused where it is written, and no other change of a namespace is.
func TestNamespacePolicy(t *testing.T) {
	namespaces := policy(t, "akv-injector-namespaces")
	of := func(fence string) *corev1.Namespace {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
		if fence != "none" {
			ns.Annotations = map[string]string{allowedVaults: fence}
		}
		return ns
	}
	labelled := of("[bad")
	labelled.Labels = map[string]string{"team": "a"}
	for name, tc := range map[string]struct {
		now, before *corev1.Namespace
		deny        bool
	}{
		"none":                        {now: of("none")},
		"a good one":                  {now: of("shop-*, other-?\n# why\nA-b")},
		"a bad one":                   {now: of("shop-*, [a-z]*"), deny: true},
		"a host":                      {now: of("shop.vault.azure.net"), deny: true},
		"too many":                    {now: of(strings.Repeat("a,", 101)), deny: true},
		"too long":                    {now: of("a # " + strings.Repeat("a", 20_000)), deny: true},
		"made bad":                    {now: of("[bad"), before: of("good"), deny: true},
		"bad before, another label":   {now: labelled, before: of("[bad")},
		"bad before, made good":       {now: of("good"), before: of("[bad")},
		"bad before, still other bad": {now: of("[worse"), before: of("[bad"), deny: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := write{now: tc.now}
			if tc.before != nil {
				w.before = tc.before
			}
			if got := denied(t, namespaces, w, corev1.SchemeGroupVersion.WithKind("Namespace"), nil); got != tc.deny {
				t.Errorf("denied is %t, want %t", got, tc.deny)
			}
		})
	}
}

// Our own account writes what is generated, and nothing else.
func TestOwnWritesPolicy(t *testing.T) {
	const us = "system:serviceaccount:akv-injector-system:akv-injector"
	own := policy(t, "akv-injector-own-writes")
	of := func(name, manager string) runtime.Object {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "secrets-store.csi.x-k8s.io/v1", "kind": "SecretProviderClass",
			"metadata": map[string]any{"name": name, "labels": map[string]any{"app.kubernetes.io/managed-by": manager}},
		}}
	}
	generated, theirs, unlabelled := of("akv-shop-kv-a", "akv-injector"), of("payments", "akv-injector"), of("akv-shop-kv-a", "helm")
	for name, tc := range map[string]struct {
		write
		deny bool
	}{
		"creates a generated one":   {write{now: generated, user: us}, false},
		"creates another":           {write{now: theirs, user: us}, true},
		"creates without the label": {write{now: unlabelled, user: us}, true},
		"updates a generated one":   {write{now: generated, before: generated, user: us}, false},
		"takes one over":            {write{now: generated, before: unlabelled, user: us}, true},
		"takes the label away":      {write{now: unlabelled, before: generated, user: us}, true},
		"deletes a generated one":   {write{before: generated, user: us}, false},
		"deletes another":           {write{before: theirs, user: us}, true},
		"somebody else":             {write{before: theirs, user: "jane"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := denied(t, own, tc.write, classKind, nil); got != tc.deny {
				t.Errorf("denied is %t, want %t", got, tc.deny)
			}
		})
	}
}
