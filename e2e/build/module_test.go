package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestManifestsAreWhereTheModulesHaveThem(t *testing.T) {
	for module, pattern := range map[string]string{
		CSIDriver: "config/crd/bases/*.yaml",
	} {
		dir, err := ModuleDir(t.Context(), module)
		if err != nil {
			t.Error(err)
			continue
		}
		if files, _ := filepath.Glob(filepath.Join(dir, pattern)); len(files) == 0 {
			t.Errorf("%s has no %s", module, pattern)
		}
	}
}

func TestModuleThatCannotBeHad(t *testing.T) {
	_, err := ModuleDir(t.Context(), "k8s.io/api@not a version")
	if err == nil || !strings.Contains(err.Error(), "module k8s.io/api@not a version: ") {
		t.Errorf("error is %v", err)
	}
}

func TestProductIsBuiltFromThisRepository(t *testing.T) {
	root, err := productRoot()
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Dir(filepath.Dir(here)); root != want {
		t.Errorf("our module is in %s, want %s", root, want)
	}
	t.Setenv("AKV_CACHE", t.TempDir())
	_, err = Product(t.Context(), nil, "./cmd/none-of-ours")
	if err == nil || !strings.Contains(err.Error(), "building ./cmd/none-of-ours: ") {
		t.Errorf("error is %v", err)
	}
}
