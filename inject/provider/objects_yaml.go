package provider

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// looksLikeYAML reports whether a value is the provider's YAML. No item of the compact list
// can begin like this.
func looksLikeYAML(trimmed string) bool {
	return strings.HasPrefix(trimmed, "array:") || strings.HasPrefix(trimmed, "- ") || strings.HasPrefix(trimmed, "-\n")
}

var objectFields = []string{
	"objectName", "objectType", "objectAlias", "objectVersion", "objectVersionHistory",
	"objectFormat", "objectEncoding", "filePermission",
}

// parseYAMLObjects reads objects as users have them in their classes: "array:" and a list,
// or the list alone, of strings that hold YAML (which the provider expects) or of maps
// (which many examples have).
func parseYAMLObjects(value string, fldPath *finding.Place) ([]Object, finding.FieldErrors) {
	elements, err := yamlElements(value, fldPath)
	if err != nil {
		return nil, finding.FieldErrors{err}
	}
	if len(elements) == 0 {
		return nil, finding.FieldErrors{finding.Required(fldPath, finding.Problem{What: "the list of objects is empty", Fix: "name at least one"})}
	}
	if len(elements) > MaxObjects {
		return nil, finding.FieldErrors{TooManyObjects(fldPath, len(elements))}
	}
	var errs finding.FieldErrors
	objects := make([]Object, 0, len(elements))
	for i, e := range elements {
		if len(errs) >= maxErrors {
			break
		}
		o, elementErrs := parseElement(e, fldPath.Index(i))
		errs = append(errs, elementErrs...)
		if len(elementErrs) == 0 {
			objects = append(objects, o)
		}
	}
	return objects, append(errs, FileClashes(objects, fldPath)...)
}

func yamlElements(value string, fldPath *finding.Place) ([]*yaml.Node, *finding.FieldError) {
	root, problem := yamlRoot(value)
	if problem.Found() {
		return nil, finding.Invalid(fldPath, value, problem)
	}
	if root.Kind == yaml.MappingNode {
		var list *yaml.Node
		for i := 0; i+1 < len(root.Content); i += 2 {
			if key := root.Content[i]; key.Value != "array" || list != nil {
				return nil, finding.Invalid(fldPath, key.Value, finding.Problem{What: fmt.Sprintf("line %d: only the key array is allowed at the top level", key.Line), Fix: "remove it"})
			}
			list = root.Content[i+1]
		}
		root = list
	}
	if root == nil || root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.SequenceNode {
		return nil, finding.Invalid(fldPath, value, finding.Problem{What: "array is not a list", Fix: "write a list in which each element begins with a dash"})
	}
	return root.Content, nil
}

// yamlRoot parses one YAML document. Aliases are refused: they are not needed here, and can
// expand a small text to a large one.
func yamlRoot(yamlText string) (*yaml.Node, finding.Problem) {
	var doc, more yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(yamlText))
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, finding.Problem{What: "empty", Fix: "remove it, or write objectName: and the name"}
	} else if err != nil {
		return nil, finding.Problem{What: "not YAML (" + yamlProblem(err) + ")", Fix: "correct it, or write [FILE=][TYPE/]NAME, one per line"}
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, finding.Problem{What: "empty", Fix: "remove it, or write objectName: and the name"}
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, finding.Problem{What: "more than one YAML document, of which the provider reads the first", Fix: "write one list"}
	}
	if problem := yamlProblemOfSize(&doc); problem.Found() {
		return nil, problem
	}
	if hasAlias(&doc) {
		return nil, finding.Problem{What: "written with YAML anchors or aliases, which are not allowed", Fix: "write the value out"}
	}
	return doc.Content[0], finding.Problem{}
}

// yamlProblem is the YAML library's error in one line, without the names of Go types.
func yamlProblem(err error) string {
	var typed *yaml.TypeError
	if errors.As(err, &typed) && len(typed.Errors) > 0 {
		where, _, _ := strings.Cut(typed.Errors[0], " into ")
		return text.Shorten(strings.Replace(where, "cannot unmarshal", "unexpected", 1))
	}
	return text.Shorten(strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " "))
}

func hasAlias(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return true
	}
	return slices.ContainsFunc(n.Content, hasAlias)
}

func parseElement(e *yaml.Node, fldPath *finding.Place) (Object, finding.FieldErrors) {
	if e.Kind == yaml.ScalarNode {
		root, problem := yamlRoot(e.Value)
		if problem.Found() {
			return Object{}, finding.FieldErrors{finding.Invalid(fldPath, e.Value, problem.Of("the element is "))}
		}
		e = root
	}
	if e.Kind != yaml.MappingNode {
		return Object{}, finding.FieldErrors{finding.Invalid(fldPath, e.Value, finding.Problem{What: "not an object, which has fields", Fix: "write objectName: and the name"})}
	}
	var (
		o    Object
		errs finding.FieldErrors
		seen = map[string]bool{}
	)
	for i := 0; i+1 < len(e.Content); i += 2 {
		key, val := e.Content[i], e.Content[i+1]
		path := fldPath.Child(key.Value)
		switch {
		case key.Kind != yaml.ScalarNode:
			errs = append(errs, finding.Malformed(fldPath, finding.Problem{What: "a field's name is a list or a map", Fix: "write a word, such as objectName"}))
		case seen[key.Value]:
			errs = append(errs, finding.Duplicate(path, key.Value, finding.Problem{What: "is set twice in one object", Fix: "remove one"}))
		case val.Kind != yaml.ScalarNode:
			errs = append(errs, finding.Malformed(path, finding.Problem{What: "a list or a map", Fix: "write a single value"}))
		default:
			raw := strings.TrimSpace(val.Value)
			if val.Tag == "!!null" {
				raw = ""
			}
			if err := setField(&o, key.Value, raw, path); err != nil {
				errs = append(errs, err)
			}
		}
		seen[key.Value] = true
	}
	errs = append(errs, validateObject(&o, fldPath)...)
	return o.canonical(), errs
}

// setField sets one of the provider's fields. The provider silently ignores a misspelt
// field, which is an error here.
func setField(o *Object, key, value string, path *finding.Place) *finding.FieldError {
	switch key {
	case "objectName":
		o.Name = value
	case "objectType":
		o.Type = value
	case "objectAlias":
		o.Alias = value
	case "objectVersion":
		o.Version = value
	case "objectVersionHistory":
		if value == "" {
			return nil
		}
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || n < 0 {
			return finding.Invalid(path, value, finding.Problem{What: "not a whole number of versions", Fix: "write 0 or more"})
		}
		o.VersionHistory = int32(n)
	case "objectFormat":
		o.Format = strings.ToLower(value)
	case "objectEncoding":
		o.Encoding = strings.ToLower(value)
	case "filePermission":
		o.FilePermission = value
	default:
		return finding.Invalid(path, key, finding.Problem{What: "not a field of the provider's objects", Fix: text.DidYouMean(key, objectFields)})
	}
	return nil
}

// validateObject checks the fields together, as the provider does at mount time.
func validateObject(o *Object, fldPath *finding.Place) finding.FieldErrors {
	var errs finding.FieldErrors
	invalid := func(name, value string, problem finding.Problem) {
		errs = append(errs, finding.Invalid(fldPath.Child(name), value, problem))
	}
	if o.Type == "" {
		o.Type = TypeSecret
	}
	if problem := objectNameProblem(o.Name); problem.Found() {
		invalid("objectName", o.Name, problem)
	}
	if problem := typeProblem(o.Type); problem.Found() {
		invalid("objectType", o.Type, problem)
	}
	if o.Alias != "" {
		if problem := FileProblem(o.Alias); problem.Found() {
			invalid("objectAlias", o.Alias, problem)
		}
	}
	if o.Version != "" && !text.IsName(o.Version) {
		invalid("objectVersion", o.Version, finding.Problem{What: "not a version, which has only letters and digits", Fix: "leave it out to follow the newest"})
	}
	switch o.Format {
	case "", "pem":
	case "pfx":
		if o.Type != TypeSecret {
			invalid("objectFormat", o.Format, finding.Problem{What: "is for objectType: secret, and a key or cert is always PEM", Fix: "leave it out"})
		}
	default:
		invalid("objectFormat", o.Format, finding.Problem{What: "neither pem nor pfx", Fix: "write one of the two"})
	}
	switch o.Encoding {
	case "":
	case "utf-8", "hex", "base64":
		if o.Type != TypeSecret {
			invalid("objectEncoding", o.Encoding, finding.Problem{What: "is for objectType: secret", Fix: "leave it out for a key or cert"})
		}
	default:
		invalid("objectEncoding", o.Encoding, finding.Problem{What: "not utf-8, hex or base64", Fix: "write one of the three"})
	}
	if o.FilePermission != "" {
		if problem := permissionProblem(o.FilePermission); problem.Found() {
			invalid("filePermission", o.FilePermission, problem)
		}
	}
	return errs
}
