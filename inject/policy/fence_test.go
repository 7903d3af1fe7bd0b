package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/annotation"
)

func TestFence(t *testing.T) {
	for name, tc := range map[string]struct {
		annotations map[string]string
		allowed     []string
		refused     []string
		errors      int
		text        string
	}{
		"no fence allows any":    {nil, []string{"a", "b-kv", ""}, nil, 0, "any"},
		"names":                  {map[string]string{annotation.AllowedVaults: "a-kv, b-kv"}, []string{"a-kv", "b-kv", "A-KV", " a-kv "}, []string{"c-kv", "a-kv2", "", "xa-kv"}, 0, "a-kv, b-kv"},
		"globs":                  {map[string]string{annotation.AllowedVaults: "pay-*\n?-kv # one letter"}, []string{"pay-", "pay-x", "a-kv"}, []string{"pa", "ab-kv", "xpay-a"}, 0, "pay-*, ?-kv"},
		"globs in capitals":      {map[string]string{annotation.AllowedVaults: "PAY-[a-c]*"}, []string{"pay-a", "PAY-C1"}, []string{"pay-d"}, 0, "pay-[a-c]*"},
		"a star is not a host":   {map[string]string{annotation.AllowedVaults: "*"}, []string{"anything"}, []string{"a/b"}, 0, "*"},
		"empty allows none":      {map[string]string{annotation.AllowedVaults: " , "}, nil, []string{"a", ""}, 1, "none"},
		"a bad glob allows none": {map[string]string{annotation.AllowedVaults: "[a, a/b, x\\"}, nil, []string{"a", "[a", "a/b", "x"}, 3, "none"},
		"beside a good one":      {map[string]string{annotation.AllowedVaults: "[a, b"}, []string{"b"}, []string{"a"}, 1, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			fence, errs := ParseFence(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Annotations: tc.annotations}})
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
