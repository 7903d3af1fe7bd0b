package inject

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/internal/text"
)

// looksLikeYAML tells the provider's YAML from the compact list, in which no item
// can begin like this.
func looksLikeYAML(trimmed string) bool {
	return strings.HasPrefix(trimmed, "array:") || strings.HasPrefix(trimmed, "- ") || strings.HasPrefix(trimmed, "-\n")
}

var objectFields = []string{
	"objectName", "objectType", "objectAlias", "objectVersion", "objectVersionHistory",
	"objectFormat", "objectEncoding", "filePermission",
}

// parseYAMLObjects reads what people have in their classes: "array:" over a list,
// or the list alone, of strings that hold YAML (as the provider wants it) or of
// maps (as many examples have it).
func parseYAMLObjects(value string, fldPath *field.Path) ([]Object, field.ErrorList) {
	elements, err := yamlElements(value, fldPath)
	if err != nil {
		return nil, field.ErrorList{err}
	}
	if len(elements) == 0 {
		return nil, field.ErrorList{field.Required(fldPath, "the list of objects is empty; name at least one")}
	}
	if len(elements) > maxObjects {
		return nil, field.ErrorList{tooManyObjects(fldPath, len(elements))}
	}
	var errs field.ErrorList
	objects := make([]Object, 0, len(elements))
	for i, e := range elements {
		o, elementErrs := parseElement(e, fldPath.Index(i))
		errs = append(errs, elementErrs...)
		if len(elementErrs) == 0 {
			objects = append(objects, o)
		}
	}
	return objects, append(errs, fileClashes(objects, fldPath)...)
}

func yamlElements(value string, fldPath *field.Path) ([]*yaml.Node, *field.Error) {
	root, problem := yamlRoot(value)
	if problem != "" {
		return nil, field.Invalid(fldPath, text.Shorten(value), problem)
	}
	if root.Kind == yaml.MappingNode {
		var list *yaml.Node
		for i := 0; i+1 < len(root.Content); i += 2 {
			if key := root.Content[i]; key.Value != "array" || list != nil {
				return nil, field.Invalid(fldPath, text.Shorten(key.Value),
					fmt.Sprintf("line %d: another key than array stands at the top; remove it", key.Line))
			}
			list = root.Content[i+1]
		}
		root = list
	}
	if root == nil || root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.SequenceNode {
		return nil, field.Invalid(fldPath, text.Shorten(value), "array must be a list, each element beginning with a dash")
	}
	return root.Content, nil
}

// yamlRoot parses one YAML document. Aliases are refused: nothing here is worth one,
// and they can make a small text a large one.
func yamlRoot(yamlText string) (*yaml.Node, string) {
	var doc, more yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(yamlText))
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, "empty; remove it, or write objectName: and the name"
	} else if err != nil {
		return nil, "not YAML (" + yamlProblem(err) + "); mend it, or write [FILE=][TYPE/]NAME, one a line"
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, "empty; remove it, or write objectName: and the name"
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, "more than one YAML document, of which the provider reads the first; write one list"
	}
	if hasAlias(&doc) {
		return nil, "YAML anchors and aliases are not taken here; write the value out"
	}
	return doc.Content[0], ""
}

// yamlProblem is the library's complaint in one line, without what it says of Go's types.
func yamlProblem(err error) string {
	var typed *yaml.TypeError
	if errors.As(err, &typed) && len(typed.Errors) > 0 {
		where, _, _ := strings.Cut(typed.Errors[0], " into ")
		return text.Shorten(strings.Replace(where, "cannot unmarshal", "no place for", 1))
	}
	return text.Shorten(strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " "))
}

func hasAlias(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return true
	}
	return slices.ContainsFunc(n.Content, hasAlias)
}

func parseElement(e *yaml.Node, fldPath *field.Path) (Object, field.ErrorList) {
	if e.Kind == yaml.ScalarNode {
		root, problem := yamlRoot(e.Value)
		if problem != "" {
			return Object{}, field.ErrorList{field.Invalid(fldPath, text.Shorten(e.Value), "the element is "+problem)}
		}
		e = root
	}
	if e.Kind != yaml.MappingNode {
		return Object{}, field.ErrorList{field.Invalid(fldPath, text.Shorten(e.Value),
			"not an object, which has fields; write objectName: and the name")}
	}
	var (
		o    Object
		errs field.ErrorList
		seen = map[string]bool{}
	)
	for i := 0; i+1 < len(e.Content); i += 2 {
		key, val := e.Content[i], e.Content[i+1]
		path := fldPath.Child(text.Shorten(key.Value))
		switch {
		case key.Kind != yaml.ScalarNode:
			errs = append(errs, field.Invalid(fldPath, field.OmitValueType{}, "a field's name is a list or a map; write a word, such as objectName"))
		case seen[key.Value]:
			errs = append(errs, duplicate(path, key.Value, "stands twice in one object; remove one"))
		case val.Kind != yaml.ScalarNode:
			errs = append(errs, field.Invalid(path, field.OmitValueType{}, "a list or a map; write a single value"))
		default:
			raw := strings.TrimSpace(val.Value)
			if val.Tag == "!!null" {
				raw = ""
			}
			if err := o.set(key.Value, raw, path); err != nil {
				errs = append(errs, err)
			}
		}
		seen[key.Value] = true
	}
	errs = append(errs, o.validate(fldPath)...)
	return o.canonical(), errs
}

// set takes one of the provider's fields. The provider ignores fields that it does
// not know, so a misspelt one is lost in silence there; here it is an error.
func (o *Object) set(key, value string, path *field.Path) *field.Error {
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
			return field.Invalid(path, text.Shorten(value), "not a whole number of versions; write 0 or more")
		}
		o.VersionHistory = int32(n)
	case "objectFormat":
		o.Format = strings.ToLower(value)
	case "objectEncoding":
		o.Encoding = strings.ToLower(value)
	case "filePermission":
		o.FilePermission = value
	default:
		return field.Invalid(path, text.Shorten(key), "no field of the provider's objects; "+text.DidYouMean(key, objectFields))
	}
	return nil
}

// validate checks the fields together, as the provider does at mount time.
func (o *Object) validate(fldPath *field.Path) field.ErrorList {
	var errs field.ErrorList
	invalid := func(name, value, problem string) {
		errs = append(errs, field.Invalid(fldPath.Child(name), text.Shorten(value), problem))
	}
	if o.Type == "" {
		o.Type = typeSecret
	}
	if problem := objectNameProblem(o.Name); problem != "" {
		invalid("objectName", o.Name, problem)
	}
	if problem := typeProblem(o.Type); problem != "" {
		invalid("objectType", o.Type, problem)
	}
	if o.Alias != "" {
		if problem := fileProblem(o.Alias); problem != "" {
			invalid("objectAlias", o.Alias, problem)
		}
	}
	if o.Version != "" && !text.IsName(o.Version) {
		invalid("objectVersion", o.Version, "no version, which has only letters and digits; leave it out to follow the newest")
	}
	switch o.Format {
	case "", "pem":
	case "pfx":
		if o.Type != typeSecret {
			invalid("objectFormat", o.Format, "is for objectType: secret, and a key or cert is always PEM; leave it out")
		}
	default:
		invalid("objectFormat", o.Format, "neither pem nor pfx; write one of the two")
	}
	switch o.Encoding {
	case "":
	case "utf-8", "hex", "base64":
		if o.Type != typeSecret {
			invalid("objectEncoding", o.Encoding, "is for objectType: secret; leave it out for a key or cert")
		}
	default:
		invalid("objectEncoding", o.Encoding, "not utf-8, hex or base64; write one of the three")
	}
	if o.FilePermission != "" {
		if problem := permissionProblem(o.FilePermission); problem != "" {
			invalid("filePermission", o.FilePermission, problem)
		}
	}
	return errs
}
