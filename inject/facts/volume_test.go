package facts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/facts"
	"akv-injector/internal/testing/fixture"
)

// A volume is what the driver passes to the provider: the class's parameters with the
// volume's attributes over them.
func TestMountedVolumes(t *testing.T) {
	pod, classes := fixture.MountedPod(t)
	type volume struct {
		Name, Class, Vault, Cloud string
		Exists                    bool
		Objects                   []string
		Errors                    int
	}
	var got []volume
	known := facts.Facts{Classes: classes}
	for _, v := range known.Volumes(&pod.Spec) {
		cloud, vault := v.Vault()
		g := volume{v.Name, v.ClassName, vault, cloud, v.Class != nil, nil, len(v.Errors)}
		for _, o := range v.Objects {
			g.Objects = append(g.Objects, o.Type+"/"+o.Name+" "+o.File())
		}
		got = append(got, g)
	}
	want := []volume{
		{"store", "by-hand", "other-kv", "AzureUSGovernmentCloud", true, []string{"secret/DB-Password file", "sekret/broken broken"}, 1},
		{"gone", "gone", "", "", false, nil, 0},
		{"elsewhere", "elsewhere", "", "", true, nil, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
