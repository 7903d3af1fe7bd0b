package build

import (
	"cmp"
	"strings"
	"testing"
)

func TestEveryProgramHasARecipe(t *testing.T) {
	used := map[string]bool{"README.md": true}
	for name, known := range programs {
		r, err := readRecipe(embedded, name)
		if err != nil {
			t.Error(err)
			continue
		}
		used[cmp.Or(known.folder, name)] = true
		// Maps have no order of their own: a key that follows it builds again and again.
		if first, second := r.key(), r.key(); !strings.HasPrefix(first, r.name+"-v") || first != second {
			t.Errorf("key of %s is %q, and then %q", r.name, first, second)
		}
		if len(r.files["go.sum"]) == 0 {
			t.Errorf("%s is pinned by no checksums", r.name)
		}
		if r.takes == 0 {
			t.Errorf("%s does not say how long it takes", r.name)
		}
	}
	entries, err := embedded.ReadDir("recipes")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !used[entry.Name()] {
			t.Errorf("recipes/%s is no program's", entry.Name())
		}
	}
}

func TestSharedRecipeHasThePackageOfEach(t *testing.T) {
	for name, want := range map[string]string{
		"containerd": "github.com/containerd/containerd/v2/cmd/containerd",
		"ctr":        "github.com/containerd/containerd/v2/cmd/ctr",
		"host-local": "github.com/containernetworking/plugins/plugins/ipam/host-local",
	} {
		if r, err := readRecipe(embedded, name); err != nil || r.mainPackage != want {
			t.Errorf("main package of %s is %q, %v", name, r.mainPackage, err)
		}
	}
	r := &recipe{name: "none", files: map[string][]byte{"go.mod": []byte("module m\ntool (\n\ta/b\n\ta/c\n)\n")}}
	if err := r.readModule(embedded); err == nil || !strings.Contains(err.Error(), "2 tool directives: want none's") {
		t.Errorf("error is %v", err)
	}
}

func TestKubernetesVersion(t *testing.T) {
	const want = "-X k8s.io/component-base/version.gitVersion=v1.37.2" +
		" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37"
	if got := kubernetesVersion("v1.37.2"); got != want {
		t.Errorf("flags are %s, want %s", got, want)
	}
}

func TestKeyFollowsEverythingThatIsBuilt(t *testing.T) {
	base := func() *recipe { return hello("package main\nfunc main() {}\n") }
	key := base().key()
	for name, change := range map[string]func(*recipe){
		"a file":  func(r *recipe) { r.files["main.go"] = []byte("package main\n") },
		"a tag":   func(r *recipe) { r.tags = []string{"no_btrfs"} },
		"a flag":  func(r *recipe) { r.ldflags = kubernetesVersion },
		"version": func(r *recipe) { r.version = "v2" },
	} {
		changed := base()
		change(changed)
		if changed.key() == key {
			t.Errorf("another %s, but the same key", name)
		}
	}
}

// hello is the recipe of a program without dependencies.
func hello(source string) *recipe {
	return &recipe{
		name: "hello", version: "v1", mainPackage: ".",
		files: map[string][]byte{"go.mod": []byte("module hello\n\ngo 1.26.0\n"), "main.go": []byte(source)},
	}
}
