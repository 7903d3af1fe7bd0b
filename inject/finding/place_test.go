package finding_test

import (
	"strings"
	"testing"

	"akv-injector/inject/finding"
)

func TestPlaceString(t *testing.T) {
	for name, tc := range map[string]struct {
		place       *finding.Place
		text, shape string
	}{
		"the object":             {nil, "", ""},
		"a field":                {finding.At("spec"), "spec", "spec"},
		"fields and elements":    {finding.At("spec", "containers").Index(1).Child("env").Index(0), "spec.containers[1].env[0]", "spec.containers[].env[]"},
		"a key":                  {finding.At("metadata", "annotations").Key("a.b/c"), "metadata.annotations[a.b/c]", "metadata.annotations[a.b/c]"},
		"an element of a key":    {finding.At("data").Key("a").Index(2), "data[a][2]", "data[a][]"},
		"in the namespace":       {finding.InNamespace("metadata", "labels").Key("x"), "namespace.metadata.labels[x]", "namespace.metadata.labels[x]"},
		"a key that is too long": {finding.At("m").Key(strings.Repeat("k", 70)), "m[" + strings.Repeat("k", 64) + "…]", "m[" + strings.Repeat("k", 70) + "]"},
		"a key for a terminal":   {finding.At("m").Key("a\x1b[31m\n"), "m[a\ufffd[31m ]", "m[a\x1b[31m\n]"},
	} {
		if got := tc.place.String(); got != tc.text {
			t.Errorf("%s: %q, want %q", name, got, tc.text)
		}
		if got := tc.place.Shape(); got != tc.shape {
			t.Errorf("%s: shape %q, want %q", name, got, tc.shape)
		}
	}
}

// A key that looks like a path is still one step.
func TestPlacesDifferByTheirSteps(t *testing.T) {
	a := finding.At("m").Key("a][b")
	b := finding.At("m").Key("a").Key("b")
	if a.Equal(b) || !a.Equal(finding.At("m").Key("a][b")) {
		t.Errorf("%s and %s", a, b)
	}
	if finding.At("metadata").Equal(finding.InNamespace("metadata")) {
		t.Error("a field of the object equals one of its namespace")
	}
}

func TestBelow(t *testing.T) {
	spec := finding.At("spec")
	for name, tc := range map[string]struct {
		place, root *finding.Place
		want        bool
	}{
		"itself":            {spec, spec, true},
		"a child":           {spec.Child("a"), spec, true},
		"everything":        {spec, nil, true},
		"its parent":        {spec, spec.Child("a"), false},
		"a neighbour":       {finding.At("specs"), spec, false},
		"of the namespace":  {finding.InNamespace("spec"), spec, false},
		"in the namespace":  {finding.InNamespace("spec", "a"), finding.InNamespace("spec"), true},
		"not in the object": {finding.InNamespace("spec"), nil, false},
	} {
		if got := tc.place.Below(tc.root); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Extending a place changes neither that place nor its other children.
func TestPlacesAreNeverChanged(t *testing.T) {
	root := finding.At("spec", "volumes")
	a, b := root.Index(0), root.Index(1)
	if root.String() != "spec.volumes" || a.String() != "spec.volumes[0]" || b.String() != "spec.volumes[1]" {
		t.Errorf("%s, %s, %s", root, a, b)
	}
}
