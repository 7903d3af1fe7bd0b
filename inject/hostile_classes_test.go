package inject_test

import (
	"fmt"
	"strings"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

// hostileClasses are of about the size that is read of a class, or of what etcd has room for.
func hostileClasses() map[string]func() shape {
	return map[string]func() shape{
		"a class of unknown keys": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", lines(12_000, "k%d: a\n"))}}
		},
		"a class of equal keys": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", strings.Repeat("k: a\n", 25_000))}}
		},
		"an element of unknown keys": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", "array:\n- |\n"+lines(11_000, "  k%d: a\n"))}}
		},
		"a class of short elements": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", "array:\n"+strings.Repeat("- a\n", 32_000))}}
		},
		"a class of maps": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", "array:\n"+strings.Repeat("- {}\n", 25_000))}}
		},
		"a class of a megabyte": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", "array:\n"+strings.Repeat("- a\n", 300_000))}}
		},
		"deep nesting": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", strings.Repeat("[", 100_000))}}
		},
		"an element by its alias": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", "array:\n- &a |\n  objectName: a\n"+strings.Repeat("  # x\n", 20_000)+strings.Repeat("- *a\n", 900))}}
		},
		"merges of merges": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", mergeBomb())}}
		},
		"many parameters": func() shape {
			c := hostileClass("a", wide(3))
			for i := range 60_000 {
				c.Spec.Parameters[fmt.Sprintf("k%d", i)] = ""
			}
			return shape{classes: []*secretsstorev1.SecretProviderClass{c}}
		},
		"many secretObjects": func() shape {
			c := hostileClass("a", wide(3))
			for range 40_000 {
				c.Spec.SecretObjects = append(c.Spec.SecretObjects, &secretsstorev1.SecretObject{SecretName: "s"})
			}
			return shape{classes: []*secretsstorev1.SecretProviderClass{c}}
		},
		"a class with objects below others": func() shape {
			return shape{classes: []*secretsstorev1.SecretProviderClass{hostileClass("a", "array:\n"+lines(900, "- |\n  objectName: n%d\n  objectType: secret\n  objectAlias: a"+strings.Repeat("/a", 100)+"\n"))}}
		},
	}
}

func mergeBomb() string {
	var b strings.Builder
	b.WriteString("m0: &m0 {a: 1, b: 2}\n")
	for i := range 20 {
		fmt.Fprintf(&b, "m%d: &m%d {<<: [%s]}\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*m%d, ", i), 9), ", "))
	}
	b.WriteString("<<: *m20\narray: []\n")
	return b.String()
}
