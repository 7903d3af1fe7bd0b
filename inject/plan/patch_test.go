package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/annotation"
)

func TestPointer(t *testing.T) {
	for want, parts := range map[string][]string{
		"":                      nil,
		"/metadata/annotations": {"metadata", "annotations"},
		"/metadata/annotations/azure.keyvault.injector~1status": {"metadata", "annotations", annotation.Status},
		"/a~0b/~01/~1~0": {"a~b", "~1", "/~"},
		"/":              {""},
	} {
		if got := pointer(parts...); got != want {
			t.Errorf("%q: %q, want %q", parts, got, want)
		}
	}
}

func TestAddToMap(t *testing.T) {
	for name, tc := range map[string]struct {
		have map[string]string
		want []string
	}{
		"no map":         {nil, []string{`{"op":"add","path":"/metadata/labels","value":{"a/b":"1","c":"2"}}`}},
		"an empty map":   {map[string]string{}, []string{`{"op":"add","path":"/metadata/labels","value":{"a/b":"1","c":"2"}}`}},
		"some":           {map[string]string{"c": "2"}, []string{`{"op":"add","path":"/metadata/labels/a~1b","value":"1"}`}},
		"another value":  {map[string]string{"c": "3", "a/b": "1"}, []string{`{"op":"add","path":"/metadata/labels/c","value":"2"}`}},
		"an empty value": {map[string]string{"c": "", "a/b": "1"}, []string{`{"op":"add","path":"/metadata/labels/c","value":"2"}`}},
		"all":            {map[string]string{"c": "2", "a/b": "1"}, nil},
	} {
		out := &patcher{}
		out.addToMap(tc.have, "labels", map[string]string{"a/b": "1", "c": "2"})
		var got []string
		for _, op := range out.ops {
			got = append(got, op.Json())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
