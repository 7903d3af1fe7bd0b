package provider

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/finding"
)

// errorFields are the fields of errors, with their types.
func errorFields(errs finding.FieldErrors) []string {
	var fields []string
	for _, e := range errs {
		fields = append(fields, string(e.Type)+" "+e.Place.String())
	}
	return fields
}

func TestParseObjectsCompact(t *testing.T) {
	for name, tc := range map[string]struct {
		value  string
		want   []Object
		errors []string
	}{
		"a name is a secret":            {"DB-Password", []Object{{Name: "DB-Password", Type: "secret"}}, nil},
		"a type":                        {"cert/frontend", []Object{{Name: "frontend", Type: "cert"}}, nil},
		"a file":                        {"tls.pem=cert/frontend", []Object{{Name: "frontend", Type: "cert", Alias: "tls.pem"}}, nil},
		"a file in folders":             {"a/b/c=key/k", []Object{{Name: "k", Type: "key", Alias: "a/b/c"}}, nil},
		"a file equal to the name":      {"x=x", []Object{{Name: "x", Type: "secret"}}, nil},
		"a version":                     {"x@abc1", []Object{{Name: "x", Type: "secret", Version: "abc1"}}, nil},
		"an at sign in the file":        {"me@home=x", []Object{{Name: "x", Type: "secret", Alias: "me@home"}}, nil},
		"spaces around everything":      {" f = cert / n @ v ", []Object{{Name: "n", Type: "cert", Alias: "f", Version: "v"}}, nil},
		"commas, newlines and comments": {"a,b\r\nc # d, e\n#f\n,", []Object{{Name: "a", Type: "secret"}, {Name: "b", Type: "secret"}, {Name: "c", Type: "secret"}}, nil},
		"the longest name":              {strings.Repeat("n", 127), []Object{{Name: strings.Repeat("n", 127), Type: "secret"}}, nil},

		"no objects":             {" , # a", nil, []string{"FieldValueRequired o"}},
		"too long a name":        {strings.Repeat("n", 128), nil, []string{"FieldValueInvalid o[0]"}},
		"too long a file":        {strings.Repeat("f", 256) + "=a", nil, []string{"FieldValueInvalid o[0]"}},
		"no file":                {"=a", nil, []string{"FieldValueInvalid o[0]"}},
		"no name":                {"a=", nil, []string{"FieldValueInvalid o[0]"}},
		"no name behind a type":  {"key/", nil, []string{"FieldValueInvalid o[0]"}},
		"no version":             {"a@", nil, []string{"FieldValueInvalid o[0]"}},
		"a type in capitals":     {"Secret/a", nil, []string{"FieldValueInvalid o[0]"}},
		"two slashes":            {"secret/a/b", nil, []string{"FieldValueInvalid o[0]"}},
		"two equal signs":        {"a=b=c", nil, []string{"FieldValueInvalid o[0]"}},
		"an underscore":          {"a_b", nil, []string{"FieldValueInvalid o[0]"}},
		"a control character":    {"a\x01b", nil, []string{"FieldValueInvalid o[0]"}},
		"not UTF-8":              {"\xff=a", nil, []string{"FieldValueInvalid o[0]"}},
		"replaced UTF-8":         {"\ufffd=a", nil, []string{"FieldValueInvalid o[0]"}},
		"right-to-left text":     {"a\u202eb=a", nil, []string{"FieldValueInvalid o[0]"}},
		"out of the mount":       {"../a=a", nil, []string{"FieldValueInvalid o[0]"}},
		"the mount itself":       {"./a=a", nil, []string{"FieldValueInvalid o[0]"}},
		"an absolute file":       {"/a=a", nil, []string{"FieldValueInvalid o[0]"}},
		"a trailing slash":       {"a/=a", nil, []string{"FieldValueInvalid o[0]"}},
		"errors of every object": {"a_b, good, c_d", []Object{{Name: "good", Type: "secret"}}, []string{"FieldValueInvalid o[0]", "FieldValueInvalid o[2]"}},
		"errors of every part":   {"/a=kex/b_c@", nil, []string{"FieldValueInvalid o[0]", "FieldValueInvalid o[0]", "FieldValueInvalid o[0]", "FieldValueInvalid o[0]"}},
		"one object twice":       {"a, a", []Object{{Name: "a", Type: "secret"}, {Name: "a", Type: "secret"}}, []string{"FieldValueDuplicate o"}},
		"a file and a folder":    {"a, a/b/c=d", []Object{{Name: "a", Type: "secret"}, {Name: "d", Type: "secret", Alias: "a/b/c"}}, []string{"FieldValueInvalid o"}},
	} {
		t.Run(name, func(t *testing.T) {
			checkObjects(t, tc.value, tc.want, tc.errors)
		})
	}
}

// checkObjects compares the objects in an annotation's value, and the errors by type and field.
func checkObjects(t *testing.T, value string, want []Object, errors []string) {
	t.Helper()
	got, errs := ParseObjects(value, finding.At("o"))
	if diff := cmp.Diff(errors, errorFields(errs)); diff != "" {
		t.Errorf("errors (-want +got):\n%s\n%v", diff, errs)
	}
	if len(got) == 0 {
		got = nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestFileProblem(t *testing.T) {
	for file, ok := range map[string]bool{
		"a": true, "a/b": true, "a b": true, "ä.pem": true, ".hidden": true, "a.b.c": true, strings.Repeat("f", 255): true,
		"": false, ".": false, "..": false, "a..b": false, "a/../b": false, "/a": false, "a//b": false, "a/./b": false,
		`a\b`: false, " a": false, "a /b": false, "a\tb": false, "a\u00a0": false, strings.Repeat("f", 256): false,
		strings.Repeat("f/", 520) + "f": false,
	} {
		if problem := FileProblem(file); !problem.Found() != ok {
			t.Errorf("%q: %q", file, problem)
		}
	}
}

func TestObjectFiles(t *testing.T) {
	for name, tc := range map[string]struct {
		object Object
		want   []string
	}{
		"alone":          {Object{Name: "a"}, []string{"a"}},
		"aliased":        {Object{Name: "a", Alias: "b/c"}, []string{"b/c"}},
		"with a history": {Object{Name: "a", VersionHistory: 2}, []string{"a/0", "a/1", "a/2"}},
	} {
		if diff := cmp.Diff(tc.want, tc.object.Files()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestYAMLScalarIsReadAsItself(t *testing.T) {
	for _, s := range []string{
		"a", "null", "Null", "~", "true", "on", "Y", "0123", "1e3", "0x10", "1.5", ".inf", "-", "- a", "a: b", "a #b",
		"#a", "&a", "*a", "!a", "|", ">", "'a'", `"a"`, "%a", "@a", "`a", "{a}", "[a]", "ä", "a\\b", "2020-01-01", "<<", "=", "?",
	} {
		objects, errs := ParseClassObjects("array:\n  - |\n    objectName: a\n    objectType: secret\n    objectAlias: " + yamlScalar(s) + "\n")
		if len(objects) != 1 || objects[0].File() != s && objects[0].Alias != "" {
			t.Errorf("%q is read as %+v (%v)", s, objects, errs)
		}
	}
}

// User text neither ends a message early nor becomes part of the fix.
func TestSemicolonsInNames(t *testing.T) {
	for name, tc := range map[string]struct{ value, message, fix string }{
		"a file below a file": {
			"a; b=secret/One\na; b/c=secret/Two",
			`Invalid value: "a; b/c": is below "a; b", which is the file or folder of secret/One.`,
			"Rename one of the two.",
		},
		"a file of two objects": {
			"x; y=One\nx; y=Two",
			`Duplicate value: "x; y": the file of both secret/One and secret/Two.`,
			"Rename the file of one of them, as in FILE=NAME (objectAlias in YAML).",
		},
	} {
		_, errs := ParseObjects(tc.value, finding.At("o"))
		findings := errs.Findings(finding.Error)
		if len(findings) != 1 || findings[0].Message != tc.message || findings[0].Fix != tc.fix {
			t.Errorf("%s: %+v", name, findings)
		}
	}
}
