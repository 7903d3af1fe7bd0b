package convert_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	yaml "go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/convert"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/cli/preview"
)

var update = flag.Bool("update", false, "write the want files anew")

// read reads a text as a set; its positions say stdin.
func read(t *testing.T, text []byte) *manifest.Set {
	t.Helper()
	set := manifest.Source{Paths: []string{manifest.Stdin}, Stdin: bytes.NewReader(text)}.Read()
	if len(set.Problems) > 0 {
		t.Fatal(set.Problems)
	}
	return set
}

// text of everything that a conversion gives.
func text(r *convert.Result) []byte {
	var parts []string
	for _, d := range r.Documents {
		if d.After != nil {
			parts = append(parts, string(d.After))
		}
	}
	return []byte(strings.Join(parts, "---\n"))
}

// report is what became of what, in the form of the want files.
func report(r *convert.Result) string {
	var b strings.Builder
	for _, list := range []struct {
		what    string
		objects []*manifest.Object
	}{{"converted", r.Converted}, {"dropped", r.Dropped}, {"kept", r.Kept}} {
		for _, o := range list.objects {
			fmt.Fprintf(&b, "%s %s/%s\n", list.what, o.Kind, o.Name)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "note %s\n", note)
	}
	for _, left := range r.Left {
		fmt.Fprintf(&b, "left %s/%s\n", left.Object.Kind, left.Object.Name)
		for _, p := range left.Problems {
			fmt.Fprintf(&b, "  %s\n", p)
		}
	}
	for _, name := range r.Namespaces {
		fmt.Fprintf(&b, "opt in %s\n", name)
	}
	return b.String()
}

// TestConvert holds every input's output and report against its want files, and puts the
// output through preview: its pods get what they had.
func TestConvert(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	equivalent, refused := 0, 0
	for _, input := range inputs {
		if strings.HasSuffix(input, ".want.yaml") {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(input), ".yaml")
		if strings.HasPrefix(name, "refused-") {
			refused++
		} else {
			equivalent++
		}
		t.Run(name, func(t *testing.T) {
			before, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			set := read(t, before)
			result, err := convert.Convert(set, set.Cluster("default", false), inject.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/"+name+".want.yaml", string(text(result)))
			golden(t, "testdata/"+name+".want.txt", report(result))

			if strings.HasPrefix(name, "refused-") != (len(result.Left) > 0) {
				t.Errorf("%d were left as they were: %v", len(result.Left), result.Left)
			}
			wantLinesOf(t, before, result)
			if !strings.HasPrefix(name, "healed-") { // which mounted nothing before
				sameMounts(t, before, text(result))
			}
		})
	}
	if equivalent < 25 || refused < 25 {
		t.Errorf("only %d inputs that are converted and %d that are not", equivalent, refused)
	}
}

// wantLinesOf wants each problem to be at a line of the file.
func wantLinesOf(t *testing.T, file []byte, result *convert.Result) {
	t.Helper()
	lines := bytes.Count(file, []byte("\n"))
	for _, left := range result.Left {
		for _, p := range left.Problems {
			if p.Line < 1 || p.Line > lines {
				t.Errorf("no line of the file: %s", p)
			}
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", file, diff)
	}
}

// TestWantFilesHaveInputs finds want files that nothing checks.
func TestWantFilesHaveInputs(t *testing.T) {
	for _, pattern := range []string{"testdata/*.want.yaml", "testdata/*.want.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			base, _, _ := strings.Cut(file, ".want.")
			if _, err := os.Stat(base + ".yaml"); err != nil {
				t.Error(file, "belongs to no input")
			}
		}
	}
}

// The path on AKS by hand becomes what examples/aks/injected has.
func TestExamplesOfAKS(t *testing.T) {
	byHand, injected := example(t, "by-hand"), example(t, "injected")
	set := read(t, byHand)
	result, err := convert.Convert(set, set.Cluster("default", false), inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Converted) != 1 || len(result.Left) > 0 || len(result.Dropped) != 1 {
		t.Fatal(report(result))
	}
	sameMounts(t, byHand, text(result))
	sameMounts(t, byHand, injected)
}

func example(t *testing.T, folder string) []byte {
	t.Helper()
	files, err := filepath.Glob("../../../examples/aks/" + folder + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var parts []string
	for _, file := range files {
		part, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, os.Expand(string(part), func(name string) string {
			return map[string]string{
				"VAULT":     "shop-kv",
				"CLIENT_ID": "11111111-2222-3333-4444-555555555555",
				"TENANT_ID": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
			}[name]
		}))
	}
	return []byte(strings.Join(parts, "---\n"))
}

// sameMounts compares what pods mount before and after, where after has been through the
// admission that preview stands for.
func sameMounts(t *testing.T, before, after []byte) {
	t.Helper()
	was := mounts(t, read(t, before))
	now := mounts(t, admitted(t, after))
	if diff := gocmp.Diff(was, now); diff != "" {
		t.Errorf("the pods get something else (-before +after)\n%s", diff)
	}
}

// admitted is a set as the cluster has it: workloads patched, classes created.
func admitted(t *testing.T, text []byte) *manifest.Set {
	t.Helper()
	set := read(t, text)
	items, err := preview.Of(t.Context(), set, preview.Files{Cluster: set.Cluster("default", false)}, inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, item := range items {
		for _, c := range item.Classes {
			class, err := item.ClassJSON(c)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(class)
		}
		all.Write(item.After)
	}
	for _, o := range set.Objects {
		if workload.TargetOf(o.Typed) == nil {
			all.Write(o.JSON)
		}
	}
	return read(t, all.Bytes())
}

// mounts lists what each container of each workload finds where, and as whom. It reads
// classes by itself, so that a mistake of the engine's reader shows.
func mounts(t *testing.T, set *manifest.Set) map[string][]string {
	t.Helper()
	classes := map[string]map[string]string{}
	for _, o := range set.Objects {
		if class, ok := o.Typed.(*secretsstorev1.SecretProviderClass); ok {
			classes[o.Namespace+"/"+o.Name] = class.Spec.Parameters
		}
	}
	all := map[string][]string{}
	for _, o := range set.Objects {
		target := workload.TargetOf(o.Typed)
		if target == nil {
			continue
		}
		spec := target.Spec
		lines := []string{
			"account " + cmp.Or(spec.ServiceAccountName, "default"),
			"label " + target.Meta.Labels["azure.workload.identity/use"],
		}
		for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
			for _, m := range c.VolumeMounts {
				i := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
				v := spec.Volumes[i]
				if v.CSI == nil || v.CSI.Driver != "secrets-store.csi.k8s.io" {
					lines = append(lines, fmt.Sprintf("%s: %s at %s", c.Name, m.Name, m.MountPath))
					continue
				}
				lines = append(lines, files(t, c.Name, m, classes[o.Namespace+"/"+v.CSI.VolumeAttributes["secretProviderClass"]])...)
			}
		}
		slices.Sort(lines)
		all[o.Kind+"/"+o.Name] = lines
	}
	return all
}

func files(t *testing.T, container string, m corev1.VolumeMount, class map[string]string) []string {
	t.Helper()
	cloud := map[string]string{"": "AzurePublicCloud", "AzureUSGovernment": "AzureUSGovernmentCloud"}
	from := strings.ToLower(fmt.Sprintf("%s as %s in %s of %s", class["keyvaultName"], class["clientID"],
		cmp.Or(class["tenantID"], class["tenantId"]), cmp.Or(cloud[class["cloudName"]], class["cloudName"])))
	var list struct {
		Array []yaml.Node
	}
	if err := yaml.Unmarshal([]byte(class["objects"]), &list); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, element := range list.Array {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(element.Value), &object); err != nil {
			t.Fatal(err)
		}
		if object == nil {
			if err := element.Decode(&object); err != nil { // a map, which the provider refuses
				t.Fatal(err)
			}
		}
		if object["objectVersion"] == "" {
			delete(object, "objectVersion")
		}
		if object["objectAlias"] == nil {
			object["objectAlias"] = object["objectName"]
		}
		fields, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s: %s%s %s from %s", container, path.Clean("/"+m.MountPath), m.SubPath+m.SubPathExpr, fields, from))
	}
	return lines
}

// TestConvertForeign holds conversions from other operators against their want files. What is converted mounts,
// after admission, files of the names that the Secret's keys had, at the same path.
func TestConvertForeign(t *testing.T) {
	inputs, err := filepath.Glob("testdata/foreign/*.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatal(inputs, err)
	}
	for _, input := range inputs {
		if strings.HasSuffix(input, ".want.yaml") {
			continue
		}
		base := strings.TrimSuffix(input, ".yaml")
		t.Run(filepath.Base(base), func(t *testing.T) {
			before, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			set := read(t, before)
			result, err := convert.Convert(set, set.Cluster("default", false), inject.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, base+".want.yaml", string(text(result)))
			golden(t, base+".want.txt", report(result))
			if strings.HasSuffix(base, "-refused") != (len(result.Converted) == 0) {
				t.Errorf("%d are converted", len(result.Converted))
			}
			for _, o := range result.Converted {
				found := mounts(t, admitted(t, text(result)))
				if len(found) == 0 {
					t.Errorf("the pods of %s mount nothing", o.Name)
				}
			}
		})
	}
}
