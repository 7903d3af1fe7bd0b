package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/annotation"
)

func TestFence(t *testing.T) {
	fence := func(globs string) map[string]string { return map[string]string{annotation.AllowedVaults: globs} }
	for name, tc := range map[string]struct {
		annotations    map[string]string
		clusterDefault string
		allowed        []string
		refused        []string
		errors         int
		text           string
	}{
		"no fence allows any":     {allowed: []string{"a", "b-kv", ""}, text: "any"},
		"names":                   {annotations: fence("a-kv, b-kv"), allowed: []string{"a-kv", "b-kv", "A-KV", " a-kv "}, refused: []string{"c-kv", "a-kv2", "", "xa-kv"}, text: "a-kv, b-kv"},
		"globs":                   {annotations: fence("pay-*\n?-kv # one letter"), allowed: []string{"pay-", "pay-x", "a-kv"}, refused: []string{"pa", "ab-kv", "xpay-a"}, text: "pay-*, ?-kv"},
		"too many stars":          {annotations: fence("a*b*c*d*e*f*"), refused: []string{"abcdef"}, errors: 1, text: "none"},
		"a name beyond any":       {annotations: fence("*"), refused: []string{strings.Repeat("a", 65)}, text: "*"},
		"globs in capitals":       {annotations: fence("PAY-*"), allowed: []string{"pay-a", "PAY-C1"}, refused: []string{"pax-d"}, text: "pay-*"},
		"a star is not a host":    {annotations: fence("*"), allowed: []string{"anything"}, refused: []string{"a/b"}, text: "*"},
		"letters beyond ASCII":    {annotations: fence("k*"), refused: []string{"\u212a-kv", "\u212a"}, text: "k*"}, // the Kelvin sign, whose small letter is k
		"empty allows none":       {annotations: fence(" , "), refused: []string{"a", ""}, errors: 1, text: "none"},
		"a bad glob allows none":  {annotations: fence("[a, a/b, x\\, [a-c]*, a.b, (a|b)"), refused: []string{"a", "[a", "a/b", "x", "b", "a.b", "axb"}, errors: 6, text: "none"},
		"beside a good one":       {annotations: fence("[a, b"), allowed: []string{"b"}, refused: []string{"a"}, errors: 1, text: "b"},
		"too many allow none":     {annotations: fence(strings.Repeat("a,", MaxGlobs+1)), refused: []string{"a"}, errors: 1, text: "none"},
		"too long":                {annotations: fence("a # " + strings.Repeat("a", MaxText)), refused: []string{"a"}, errors: 1, text: "none"},
		"as many as are allowed":  {annotations: fence(strings.Repeat("a,", MaxGlobs)), allowed: []string{"a"}, refused: []string{"b"}, text: strings.TrimSuffix(strings.Repeat("a, ", MaxGlobs), ", ")},
		"the cluster's default":   {clusterDefault: "{namespace}-*,shared", allowed: []string{"pay-kv", "shared"}, refused: []string{"other", "pay"}, text: "pay-*, shared"},
		"not where there is one":  {annotations: fence("a"), clusterDefault: "{namespace}-*", allowed: []string{"a"}, refused: []string{"pay-kv"}, text: "a"},
		"no variable in that one": {annotations: fence("{namespace}-*"), clusterDefault: "*", refused: []string{"pay-kv"}, errors: 1, text: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			fence, errs := ParseFence(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "pay", Annotations: tc.annotations}}, tc.clusterDefault)
			if len(errs) != tc.errors {
				t.Errorf("errors: %v", errs)
			}
			for _, v := range tc.allowed {
				if !fence.Allows(v) {
					t.Errorf("%q is refused", v)
				}
			}
			for _, v := range tc.refused {
				if fence.Allows(v) {
					t.Errorf("%q is allowed", v)
				}
			}
			if diff := cmp.Diff(tc.text, fence.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDefaultFenceProblem(t *testing.T) {
	for value, ok := range map[string]bool{"": true, "{namespace}-*": true, "a, b": true, ",": false, "{name}-*": false, "a/b": false} {
		if problem := DefaultFenceProblem(value); problem.Found() == ok {
			t.Errorf("%q: %q", value, problem)
		}
	}
}
