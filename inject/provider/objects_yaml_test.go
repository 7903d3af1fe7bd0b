package provider

import (
	"strings"
	"testing"
	"time"
)

func TestParseObjectsYAML(t *testing.T) {
	both := []Object{{Name: "a", Type: "secret"}, {Name: "b", Type: "cert", Alias: "tls.pem"}}
	for name, tc := range map[string]struct {
		value  string
		want   []Object
		errors []string
	}{
		"strings, as the provider expects": {"array:\n  - |\n    objectName: a\n    objectType: secret\n  - |\n    objectName: b\n    objectType: cert\n    objectAlias: tls.pem\n", both, nil},
		"maps, as many examples have it":   {"array:\n  - objectName: a\n    objectType: secret\n  - objectName: b\n    objectType: cert\n    objectAlias: tls.pem\n", both, nil},
		"the list alone, mixed":            {"- objectName: a\n- |\n  objectName: b\n  objectType: cert\n  objectAlias: tls.pem\n", both, nil},
		"the dash alone on its line":       {"-\n  objectName: a\n", both[:1], nil},
		"indented as a whole":              {"  array:\n    - objectName: a\n", both[:1], nil},
		"flow style":                       {"array: [{objectName: a}]", both[:1], nil},
		"an empty version":                 {"- {objectName: a, objectVersion: \"\"}", both[:1], nil},
		"a null version":                   {"- {objectName: a, objectVersion: }", both[:1], nil},
		"defaults are left out":            {"- {objectName: a, objectAlias: a, objectFormat: PEM, objectEncoding: UTF-8, objectVersionHistory: 1}", both[:1], nil},
		"latest with a history":            {"- {objectName: a, objectVersion: latest, objectVersionHistory: 3}", []Object{{Name: "a", Type: "secret", VersionHistory: 3}}, nil},
		"latest without one":               {"- {objectName: a, objectVersion: latest}", []Object{{Name: "a", Type: "secret", Version: "latest"}}, nil},
		"a mode that YAML reads as a number": {
			"- {objectName: a, filePermission: 0440}",
			[]Object{{Name: "a", Type: "secret", FilePermission: "0440"}},
			nil,
		},

		"no list":                   {"array:", nil, []string{"FieldValueRequired o"}},
		"a list of nothing":         {"array: []", nil, []string{"FieldValueRequired o"}},
		"no list but text":          {"array: a", nil, []string{"FieldValueInvalid o"}},
		"two arrays":                {"array: []\narray: []", nil, []string{"FieldValueInvalid o"}},
		"another key":               {"array: []\nobjects: []", nil, []string{"FieldValueInvalid o"}},
		"not YAML":                  {"- [", nil, []string{"FieldValueInvalid o"}},
		"two documents":             {"- {objectName: a}\n---\n- {objectName: b}", nil, []string{"FieldValueInvalid o"}},
		"an alias":                  {"- &a {objectName: a}\n- *a", nil, []string{"FieldValueInvalid o"}},
		"an alias in a string":      {"- |\n  objectName: &a x\n  objectAlias: *a", nil, []string{"FieldValueInvalid o[0]"}},
		"a merge key":               {"- {<<: {objectName: a}}", nil, []string{"FieldValueInvalid o[0].<<", "FieldValueInvalid o[0].objectName"}},
		"a key that is a list":      {"- {? [a] : b, objectName: a}", nil, []string{"FieldValueInvalid o[0]"}},
		"a value that is a list":    {"- {objectName: [a]}", nil, []string{"FieldValueInvalid o[0].objectName", "FieldValueInvalid o[0].objectName"}},
		"a field in other case":     {"- {ObjectName: a}", nil, []string{"FieldValueInvalid o[0].ObjectName", "FieldValueInvalid o[0].objectName"}},
		"a field twice":             {"- {objectName: a, objectName: a}", nil, []string{"FieldValueDuplicate o[0].objectName"}},
		"a type in capitals":        {"- {objectName: a, objectType: Secret}", nil, []string{"FieldValueInvalid o[0].objectType"}},
		"pfx of a cert":             {"- {objectName: a, objectType: cert, objectFormat: PFX}", nil, []string{"FieldValueInvalid o[0].objectFormat"}},
		"an encoding of a key":      {"- {objectName: a, objectType: key, objectEncoding: utf-8}", nil, []string{"FieldValueInvalid o[0].objectEncoding"}},
		"a mode in words":           {"- {objectName: a, filePermission: rw-r--r--}", nil, []string{"FieldValueInvalid o[0].filePermission"}},
		"a mode beyond permissions": {"- {objectName: a, filePermission: \"4755\"}", nil, []string{"FieldValueInvalid o[0].filePermission"}},
		"a negative history":        {"- {objectName: a, objectVersionHistory: -1}", nil, []string{"FieldValueInvalid o[0].objectVersionHistory"}},
		"a history beyond int32":    {"- {objectName: a, objectVersionHistory: 2147483648}", nil, []string{"FieldValueInvalid o[0].objectVersionHistory"}},
		"a file under a history": {
			"- {objectName: a, objectVersionHistory: 2}\n- {objectName: b, objectAlias: a/x}",
			[]Object{{Name: "a", Type: "secret", VersionHistory: 2}, {Name: "b", Type: "secret", Alias: "a/x"}},
			[]string{"FieldValueInvalid o"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			checkObjects(t, tc.value, tc.want, tc.errors)
		})
	}
}

// A small text must not expand to a large one, in an annotation or in a user's class.
func TestYAMLAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		prev, this := string(rune('a'+i-1)), string(rune('a'+i))
		b.WriteString(this + "0: &" + this + "0 [" + strings.TrimSuffix(strings.Repeat("*"+prev+"0, ", 10), ", ") + "]\n")
	}
	bomb := b.String() + "array: *l0\n"
	start := time.Now()
	if _, errs := ParseObjects("array:\n- |\n  "+strings.ReplaceAll(bomb, "\n", "\n  "), nil); len(errs) == 0 {
		t.Error("accepted in an annotation")
	}
	if _, errs := ParseClassObjects(bomb); len(errs) == 0 {
		t.Error("accepted in a class")
	}
	if _, errs := ParseClassObjects("array:\n- |\n  " + strings.ReplaceAll(bomb, "\n", "\n  ")); len(errs) == 0 {
		t.Error("accepted in an object of a class")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}
