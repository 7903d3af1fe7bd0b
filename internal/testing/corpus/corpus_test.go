package corpus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akv-injector/internal/testing/fixture"
)

const (
	onePod    = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: apps}\n"
	oneSet    = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: web, namespace: apps}\n"
	oneSecret = "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: apps}\n"
	namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: apps}\n"
)

// archived are parts by their names, as they stand in a case.
func archived(parts ...string) string {
	a := &archive{}
	for i := 0; i < len(parts); i += 2 {
		a.parts = append(a.parts, part{parts[i], []byte(parts[i+1])})
	}
	return string(a.format())
}

func TestLoadRefuses(t *testing.T) {
	pod := archived(PodFile, onePod)
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a file that is no case":          {map[string]string{"plan/README": "x"}, "only cases"},
		"a part that nobody reads":        {map[string]string{"plan/a.txtar": archived(PodFile, onePod, "want-pods.yaml", "x")}, "no part of a case"},
		"a part twice":                    {map[string]string{"plan/a.txtar": archived(PodFile, onePod, PodFile, onePod)}, "is there twice"},
		"a case without an object":        {map[string]string{"plan/a.txtar": archived(OptionsFile, "origin: user")}, "needs a pod.yaml"},
		"two objects":                     {map[string]string{"plan/a.txtar": archived(PodFile, onePod, ObjectFile, oneSet)}, "an object already"},
		"a pod as an object":              {map[string]string{"plan/a.txtar": archived(ObjectFile, onePod)}, "belongs in pod.yaml"},
		"an object as a pod":              {map[string]string{"plan/a.txtar": archived(PodFile, oneSet)}, "belongs in pod.yaml"},
		"an old object alone":             {map[string]string{"plan/a.txtar": archived(OldFile, oneSet)}, "needs a pod.yaml"},
		"an old pod":                      {map[string]string{"plan/a.txtar": archived(PodFile, onePod, OldFile, onePod)}, "update of a pod"},
		"an old one of another kind":      {map[string]string{"plan/a.txtar": archived(ObjectFile, oneSet, OldFile, onePod)}, "old.yaml is a"},
		"a deletion with both":            {map[string]string{"plan/a.txtar": archived(ObjectFile, oneSet, OldFile, oneSet, OptionsFile, "operation: DELETE")}, "a deletion has"},
		"an operation in words":           {map[string]string{"plan/a.txtar": archived(ObjectFile, oneSet, OptionsFile, "operation: CREATE")}, "the files show"},
		"a pod elsewhere":                 {map[string]string{"plan/a.txtar": archived(PodFile, strings.Replace(onePod, "apps", "other", 1))}, "is wanted"},
		"another kind":                    {map[string]string{"plan/a.txtar": archived(PodFile, namespace)}, "is wanted"},
		"an unknown origin":               {map[string]string{"plan/a.txtar": archived(PodFile, onePod, OptionsFile, "origin: mars")}, "no such origin"},
		"an unknown option":               {map[string]string{"plan/a.txtar": archived(PodFile, onePod, OptionsFile, "mutate: true")}, "unknown field"},
		"a fact of another kind":          {map[string]string{"plan/a.txtar": archived(PodFile, onePod, FactsFile, oneSecret)}, "no kind that a decision looks at"},
		"a misspelt fact":                 {map[string]string{"plan/a.txtar": archived(PodFile, onePod, FactsFile, namespace+"spce: {}\n")}, "unknown field"},
		"a fact twice":                    {map[string]string{"plan/a.txtar": archived(PodFile, onePod, FactsFile, namespace+"---\n"+namespace)}, "twice"},
		"two cases of one name":           {map[string]string{"plan/a.txtar": pod, "rules/a.txtar": pod}, "two cases of one name"},
		"facts that are not there":        {map[string]string{"plan/a.txtar": archived(PodFile, onePod, OptionsFile, "facts: [mars]")}, `no facts "mars"`},
		"facts that no case names":        {map[string]string{"plan/a.txtar": pod, "facts/mars.yaml": namespace}, "no case names the facts mars"},
		"a file among the facts":          {map[string]string{"plan/a.txtar": pod, "facts/README": "x"}, "only facts"},
		"shared facts of another kind":    {map[string]string{"plan/a.txtar": pod, "facts/mars.yaml": oneSecret}, "no kind that a decision looks at"},
		"the main facts, named in a case": {map[string]string{"plan/a.txtar": archived(PodFile, onePod, OptionsFile, "facts: [cluster]")}, `no facts "cluster"`},
	} {
		t.Run(name, func(t *testing.T) {
			tc.files["facts/cluster.yaml"] = namespace
			if _, err := Load(fixture.Folder(t, tc.files)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q in it", err, tc.want)
			}
		})
	}
}

// A case's own facts lie over those that it names, and those over everybody's.
func TestFactsCoverOneAnother(t *testing.T) {
	own := func(name string) string {
		return strings.Replace(namespace, "name: apps", "name: apps, labels: {own: "+name+"}", 1)
	}
	cases, err := Load(fixture.Folder(t, map[string]string{
		"facts/cluster.yaml": namespace,
		"facts/shared.yaml":  own("shared"),
		"plan/a.txtar":       archived(PodFile, onePod),
		"plan/b.txtar":       archived(PodFile, onePod, OptionsFile, "facts: [shared]", FactsFile, own("b")),
		"rules/c.txtar":      archived(OptionsFile, "facts: [shared]", PodFile, onePod),
	}))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "b", "shared"} {
		if got := cases[i].NamespaceObject().Labels["own"]; got != want {
			t.Errorf("case %s: %q, want %q", cases[i].Name, got, want)
		}
		if n := len(cases[i].Objects()); n != 1 {
			t.Errorf("case %s: %d objects", cases[i].Name, n)
		}
	}
}

// What is written can be read again, and nothing but the want parts changes.
func TestUpdate(t *testing.T) {
	before := "why\n" + archived(PodFile, onePod, WantClassFile, "old\n", OptionsFile, "origin: user\n")
	root := fixture.Folder(t, map[string]string{"facts/cluster.yaml": namespace, "plan/a.txtar": before})
	cases, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := cases[0].Update(map[string][]byte{WantPodFile: []byte("new\n")}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(root, "plan", "a.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "why\n" + archived(PodFile, onePod, OptionsFile, "origin: user\n", WantPodFile, "new\n"); string(after) != want {
		t.Errorf("%s\nwant\n%s", after, want)
	}
}

func TestRoot(t *testing.T) {
	cases, err := Load(Root())
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 80 {
		t.Errorf("%d cases", len(cases))
	}
}
