package build

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestStandInsAreBesideTheRecipe(t *testing.T) {
	for _, name := range slices.Concat(SecretsStore()[:1], LegacyDriver(), WorkloadIdentity()) {
		r, err := readRecipe(embedded, name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, file := range []string{"mlog/go.mod", "mlog/mlog.go"} {
			if len(r.files[file]) == 0 {
				t.Errorf("%s is built without %s", name, file)
			}
		}
	}
}

func TestMissingStandInIsNamed(t *testing.T) {
	r := &recipe{name: "b", files: map[string][]byte{
		"go.mod": []byte("module m\ntool a/b\nrequire a v1.0.0\nreplace c => ./none\n"),
	}}
	err := r.readModule(fstest.MapFS{})
	if err == nil || !strings.Contains(err.Error(), "stand-in for c: ") || !strings.Contains(err.Error(), "standins/none") {
		t.Errorf("error is %v", err)
	}
}
