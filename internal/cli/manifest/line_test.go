package manifest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akv-injector/inject/finding"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/testing/corpus"
)

const deployment = `# The shop.
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  annotations:
    "azure.keyvault.injector/allow": AKV001
spec:
  template:
    metadata:
      annotations:
        azure.keyvault.injector/vault: payments-kv
        azure.keyvault.injector/objects: | # what it reads
          # passwords
          DB-Password, api/token=partner-api-token

          tls.pem=cert/frontend
        azure.keyvault.injector/objects.shared-kv: "a, b,
          c"
        azure.keyvault.injector/objects.yaml-kv: |-
          array:
            - |
              objectName: one
              objectType: secret
            - objectName: two
              objectType: secret
        example.com/very.long[key]: x
    spec:
      containers:
        - name: shop
          image: busybox
          volumeMounts: [{name: a, mountPath: /a},
            {name: b,
             subPath: x}]
        -
          name: sidecar
          volumeMounts: &mounts
          - name: a
            mountPath: /a
            subPath: b
        - name: third
          volumeMounts: *mounts
          <<: &more
            image: busybox
`

func TestLineOf(t *testing.T) {
	class := `apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: shop
spec:
  provider: azure
  parameters:
    keyvaultName: payments-kv
    objects: |

      array:
        - |
          objectName: one

          objectVersion: "1"
        - |-
          objectName: two
        - "objectName: three\nobjectVersion: x"
        - {objectName: four,
           objectVersion: y}
`
	folded := strings.Replace(class, "objects: |\n", "objects: >\n", 1)
	list := "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n- # second\n  apiVersion: v1\n  kind: Pod\n  spec:\n    volumes: []\n"
	inJSON := "\n{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n \"metadata\": {\n  \"annotations\": {\"azure.keyvault.injector/objects\":\n \"a\\nb\"}},\n \"spec\": {\"containers\": [\n{\"name\": \"a\"},\n{\"name\":\n\"b\"}]}}\n"
	mounts := "spec.template.spec.containers"
	annotation := "spec.template.metadata.annotations[azure.keyvault.injector/objects"
	for name, c := range map[string]struct {
		text   string
		object int
		lines  map[string]int
	}{
		"deployment": {deployment, 0, map[string]int{
			"":              3,
			"metadata":      5,
			"metadata.name": 6,
			"metadata.annotations[azure.keyvault.injector/allow]":            8,
			"metadata.labels[app]":                                           5,
			"nothing.of.it":                                                  3,
			"namespace.metadata.annotations[x]":                              3,
			annotation + "]":                                                 14,
			annotation + "][0]":                                              16,
			annotation + "][1]":                                              16,
			annotation + "][2]":                                              18,
			annotation + "][2].objectName":                                   18,
			annotation + "][3]":                                              14,
			annotation + ".shared-kv][2]":                                    19,
			annotation + ".yaml-kv][0]":                                      23,
			annotation + ".yaml-kv][0].objectType":                           25,
			annotation + ".yaml-kv][0].objectFormat":                         23,
			annotation + ".yaml-kv][1].objectType":                           27,
			annotation + ".yaml-kv][2]":                                      21,
			annotation + ".no-kv]":                                           12,
			"spec.template.metadata.annotations[example.com/very.long[key]]": 28,
			mounts + "[0]":                                                   31,
			mounts + "[0].volumeMounts[0]":                                   33,
			mounts + "[0].volumeMounts[1].subPath":                           35,
			mounts + "[0].volumeMounts[1].subPathExpr":                       34,
			mounts + "[1].volumeMounts[0].subPath":                           41,
			mounts + "[2].volumeMounts[0].subPath":                           41,
			mounts + "[2].image":                                             45,
			mounts + "[3].image":                                             30,
			mounts + "[x].image":                                             30,
			mounts + "[99999999999999999999]":                                30,
			"spec.template.spec.volumes[0].csi":                              29,
			"[":                                                              3,
			"spec[":                                                          9,
		}},
		"class": {class, 0, map[string]int{
			"spec.parameters.objects":                  9,
			"spec.parameters[objects][0].objectName":   13,
			"spec.parameters.objects[0]":               12,
			"spec.parameters.objects[0].objectVersion": 15,
			"spec.parameters.objects[1].objectVersion": 16,
			"spec.parameters.objects[1].objectName":    17,
			"spec.parameters.objects[2].objectVersion": 18,
			"spec.parameters.objects[3].objectVersion": 20,
			"spec.parameters.objects[4]":               9,
			"spec.parameters.tenantID":                 7,
		}},
		"class, folded": {folded, 0, map[string]int{"spec.parameters.objects[1].objectName": 9}},
		"list": {list, 1, map[string]int{
			"": 7, "spec.volumes[0]": 10, "metadata": 7,
		}},
		"JSON": {inJSON, 0, map[string]int{
			"": 2, "spec.containers": 6, "spec.containers[1].name": 8, "spec.containers[0]": 7,
			"metadata.annotations[azure.keyvault.injector/objects][1]": 4,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			set := read(c.text)
			if len(set.Problems) > 0 || len(set.Objects) <= c.object {
				t.Fatal(outline(set))
			}
			for path, want := range c.lines {
				if got := set.Objects[c.object].LineOf(placeOf(path)); got != want {
					t.Errorf("%s is at line %d, want %d", path, got, want)
				}
			}
		})
	}
}

// corpusAsFiles writes the YAML of all cases into files of their own.
func corpusAsFiles(t *testing.T) string {
	t.Helper()
	cases, err := corpus.Load(corpus.Root())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, c := range cases {
		for _, name := range []string{corpus.PodFile, corpus.ObjectFile, corpus.OldFile, corpus.FactsFile} {
			if text := c.Part(name); text != nil {
				if err := os.WriteFile(filepath.Join(dir, c.Name+"-"+name), text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return dir
}

// What YAML means, and where it stands, come from two libraries: each field of each value
// must have its own key's line.
func TestLinesAndValuesAgree(t *testing.T) {
	fields := 0
	set := manifest.Source{Paths: []string{corpusAsFiles(t)}, Recursive: true}.Read()
	texts := map[string][]string{}
	for _, o := range set.Objects {
		if texts[o.File] == nil {
			text, err := os.ReadFile(o.File)
			if err != nil {
				t.Fatal(err)
			}
			texts[o.File] = strings.Split(string(text), "\n")
		}
		var value any
		if err := json.Unmarshal(o.JSON, &value); err != nil {
			t.Fatal(err)
		}
		var visit func(path *finding.Place, value any)
		visit = func(path *finding.Place, value any) {
			switch value := value.(type) {
			case map[string]any:
				for k, child := range value {
					fields++
					at := path.Key(k)
					if line := texts[o.File][o.LineOf(at)-1]; !strings.Contains(line, k+":") && !strings.Contains(line, k+`":`) && !strings.Contains(line, k+`':`) {
						t.Errorf("%s: %s leads to %q", o.File, at, line)
					}
					visit(at, child)
				}
			case []any:
				for i, child := range value {
					visit(path.Index(i), child)
				}
			}
		}
		visit(nil, value)
	}
	if fields < 1000 {
		t.Errorf("only %d fields looked at", fields)
	}
}
