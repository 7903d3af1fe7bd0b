// k8sschemas writes the JSON schemas that kubeconform reads, so that manifests
// are checked without fetching schemas from anywhere at that moment.
//
//	k8sschemas OPENAPI_V3_DIR OUT_DIR
//
// OPENAPI_V3_DIR is api/openapi-spec/v3 of the k8s.io/kubernetes module: what
// the API server of that version publishes, one file a group and version.
// The layout written is OUT_DIR/GROUP/VERSION/kind.json, for kubeconform's
// -schema-location 'OUT_DIR/{{.Group}}/{{.ResourceAPIVersion}}/{{.ResourceKind}}.json'
// (for the core group kubeconform's .Group is the version, so GROUP is v1).
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// shared is the file beside the kinds of a group and version that holds every
// schema which they refer to.
const shared = "_components.json"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: k8sschemas OPENAPI_V3_DIR OUT_DIR")
		os.Exit(2)
	}
	if err := convert(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "k8sschemas:", err)
		os.Exit(1)
	}
}

func convert(from, to string) error {
	paths, err := filepath.Glob(filepath.Join(from, "*_openapi.json"))
	if err != nil {
		return err
	}
	var kinds int
	for _, path := range paths {
		group, version, ok := groupVersion(filepath.Base(path))
		if !ok {
			continue // discovery documents, /version and the like hold no kinds
		}
		n, err := convertFile(path, filepath.Join(to, group, version), group, version)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		kinds += n
	}
	if kinds == 0 {
		return errors.New("no kinds found in " + from)
	}
	return nil
}

// groupVersion reads a file name such as apis__apps__v1_openapi.json.
func groupVersion(name string) (group, version string, ok bool) {
	switch parts := strings.Split(strings.TrimSuffix(name, "_openapi.json"), "__"); {
	case len(parts) == 2 && parts[0] == "api":
		return parts[1], parts[1], true
	case len(parts) == 3 && parts[0] == "apis":
		return parts[1], parts[2], true
	}
	return "", "", false
}

func convertFile(path, dir, group, version string) (int, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var doc struct {
		Components struct {
			Schemas map[string]map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	var kinds int
	for name, schema := range doc.Components.Schemas {
		closeObject(schema)
		kind := kindIn(schema, group, version)
		if kind == "" {
			continue
		}
		ref := map[string]string{"$ref": shared + "#/components/schemas/" + name}
		if err := writeJSON(filepath.Join(dir, strings.ToLower(kind)+".json"), ref); err != nil {
			return 0, err
		}
		kinds++
	}
	return kinds, writeJSON(filepath.Join(dir, shared), doc)
}

// closeObject makes an object that lists its properties refuse any other: an
// API server drops a misspelt field silently. Kubernetes names every
// object type, so there are no nested ones to descend into.
func closeObject(schema map[string]any) {
	_, lists := schema["properties"]
	_, open := schema["additionalProperties"]
	if lists && !open {
		schema["additionalProperties"] = false
	}
}

// kindIn returns the kind which the schema describes in this group and version,
// "" for a schema that is only a part of others, or a kind of another group.
func kindIn(schema map[string]any, group, version string) string {
	if group == version {
		group = "" // the core group
	}
	gvks, _ := schema["x-kubernetes-group-version-kind"].([]any)
	for _, item := range gvks {
		gvk, _ := item.(map[string]any)
		if gvk["group"] == group && gvk["version"] == version {
			kind, _ := gvk["kind"].(string)
			return kind
		}
	}
	return ""
}

func writeJSON(path string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o644)
}
