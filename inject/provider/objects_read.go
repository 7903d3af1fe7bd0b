package provider

import (
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"akv-injector/inject/finding"
)

// ReadObjects reads the objects parameter as the provider 1.8.2 does: the same
// YAML library, the same two steps, fields that it does not know ignored. Elements that
// are maps are an error, as they are there. at has the index of each object in the array.
func ReadObjects(yamlText string, fldPath *finding.Place) (objects []Object, at []int, errs finding.FieldErrors) {
	if len(yamlText) > MaxObjectsText {
		return nil, nil, finding.FieldErrors{finding.TooLong(fldPath, MaxObjectsText)}
	}
	var list struct {
		Array []yaml.Node `yaml:"array"`
	}
	if problem := decodeYAML(strings.TrimSpace(yamlText), &list, "write array: and under it a list, in which each element begins with \"- |\""); problem.Found() {
		return nil, nil, finding.FieldErrors{finding.Invalid(fldPath, yamlText, problem)}
	}
	if len(list.Array) > MaxClassObjects {
		return nil, nil, finding.FieldErrors{finding.TooMany(fldPath, len(list.Array), MaxClassObjects)}
	}
	left := MaxObjectsText
	for i := range list.Array {
		if len(errs) >= maxErrors {
			break // the object is refused, and the rest would be more of the same
		}
		path := fldPath.Index(i)
		node := &list.Array[i]
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		if node.Kind != yaml.ScalarNode {
			errs = append(errs, finding.Malformed(path, finding.Problem{What: "not a string, but the provider expects one that holds YAML", Fix: "write \"- |\" and the fields below it"}))
			continue
		}
		if left -= len(node.Value); left < 0 {
			errs = append(errs, finding.TooLong(fldPath, MaxObjectsText))
			break
		}
		o, objectErrs := parseClassObject(node.Value, path)
		errs = append(errs, objectErrs...)
		if o.Name != "" {
			objects, at = append(objects, o), append(at, i)
		}
	}
	return objects, at, errs
}

// decodeYAML decodes a text as the provider does, unless that would take long: the library's
// search for duplicate keys is quadratic, so maps are counted first.
func decodeYAML(yamlText string, into any, fix string) finding.Problem {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(yamlText), &root); err != nil {
		return finding.Problem{What: "not the provider's YAML (" + yamlProblem(err) + ")", Fix: fix}
	}
	if root.Kind == 0 {
		return finding.Problem{} // empty, which decodes to nothing
	}
	if problem := yamlProblemOfSize(&root); problem.Found() {
		return problem
	}
	if err := root.Decode(into); err != nil {
		return finding.Problem{What: "not the provider's YAML (" + yamlProblem(err) + ")", Fix: fix}
	}
	return finding.Problem{}
}

func parseClassObject(yamlText string, path *finding.Place) (Object, finding.FieldErrors) {
	var fields struct {
		Name       string `yaml:"objectName"`
		Alias      string `yaml:"objectAlias"`
		Version    string `yaml:"objectVersion"`
		History    int32  `yaml:"objectVersionHistory"`
		Type       string `yaml:"objectType"`
		Format     string `yaml:"objectFormat"`
		Encoding   string `yaml:"objectEncoding"`
		Permission string `yaml:"filePermission"`
	}
	if problem := decodeYAML(yamlText, &fields, "write one field and its value per line, such as objectName: DB-Password"); problem.Found() {
		return Object{}, finding.FieldErrors{finding.Invalid(path, yamlText, problem)}
	}
	o := Object{
		Name:           strings.TrimSpace(fields.Name),
		Type:           strings.TrimSpace(fields.Type),
		Alias:          strings.TrimSpace(fields.Alias),
		Version:        strings.TrimSpace(fields.Version),
		VersionHistory: fields.History,
		Format:         strings.ToLower(strings.TrimSpace(fields.Format)),
		Encoding:       strings.ToLower(strings.TrimSpace(fields.Encoding)),
		FilePermission: strings.TrimSpace(fields.Permission),
	}
	var errs finding.FieldErrors
	if o.Type == "" {
		errs = append(errs, finding.Missing(path.Child("objectType"), "write secret, key or cert"))
	}
	errs = append(errs, validateObject(&o, path)...)
	return o.canonical(), errs
}
