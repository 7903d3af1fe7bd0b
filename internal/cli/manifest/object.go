package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"akv-injector/inject/finding"
)

// Object is one Kubernetes object of a document, or of a list in one.
type Object struct {
	// File as it was named or found.
	File string
	// Named is set if the file itself was named, and not only its folder.
	Named bool

	APIVersion string
	Kind       string
	// Namespace as it stands in the object: empty where it says nothing.
	Namespace string
	// Name, or the generateName in its place.
	Name string

	// JSON of the object, with the fields that the type behind Typed has no place for.
	JSON []byte
	// Typed is the object where this program knows its kind, else nil. Like the API
	// server, it drops fields that it does not know.
	Typed runtime.Object

	// unknown fields of a kind that is known.
	unknown []Unknown

	document *document
	// items leads to the object through the lists around it.
	items []int
}

// UID of an object that was read from a cluster, else empty.
func (o *Object) UID() string {
	var h struct {
		Metadata struct {
			UID string `json:"uid"`
		} `json:"metadata"`
	}
	if json.Unmarshal(o.JSON, &h) != nil {
		return ""
	}
	return h.Metadata.UID
}

// FromJSON is an object that stands in no file. Name stands where files have theirs.
func FromJSON(name string, text []byte) ([]*Object, []Problem) {
	d := &document{file: name, named: true, isJSON: true, text: text, first: 1, last: 1}
	return d.objects()
}

// GroupVersionKind of the object.
func (o *Object) GroupVersionKind() schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(o.APIVersion, o.Kind)
}

// head is what every object has.
type head struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   metadata        `json:"metadata"`
	Items      json.RawMessage `json:"items"`
}

type metadata struct {
	Name         string `json:"name"`
	GenerateName string `json:"generateName"`
	Namespace    string `json:"namespace"`
}

// objects reads what the document holds.
func (d *document) objects() ([]*Object, []Problem) {
	text, problems := d.json()
	if len(problems) > 0 || string(text) == "null" {
		return nil, problems
	}
	return d.expand(text, nil, schema.GroupVersionKind{})
}

// json is the document as kubectl reads it.
func (d *document) json() ([]byte, []Problem) {
	if d.isJSON {
		root, err := d.root()
		if err != nil {
			return nil, []Problem{d.problem(1, "not JSON: "+err.Error())}
		}
		return d.text, d.duplicates(root)
	}
	if string(bytes.TrimSpace(d.text)) == "..." {
		return []byte("null"), nil // the end of a document without anything in it
	}
	if p := d.checkAliases(); p != nil {
		return nil, []Problem{*p}
	}
	text, err := yaml.YAMLToJSONStrict(d.text)
	if err == nil {
		return text, nil
	}
	if !strings.Contains(string(d.text), "<<") || !strings.Contains(err.Error(), "already set in map") {
		return nil, d.fromYAML(err)
	}
	// The library also takes a key for a second one that a merge (<<) brings and the
	// mapping itself overrides, which is what merges are for.
	root, nodesErr := d.root()
	if nodesErr != nil || root == nil {
		return nil, d.fromYAML(err)
	}
	if text, err = yaml.YAMLToJSON(d.text); err != nil {
		return nil, d.fromYAML(err)
	}
	return text, d.duplicates(root)
}

// expand is the object of a text, or those of the list that it is. An object in a list of
// one kind may leave out what the list says of it.
func (d *document) expand(text []byte, items []int, implied schema.GroupVersionKind) ([]*Object, []Problem) {
	o := &Object{File: d.file, Named: d.named, JSON: text, document: d, items: items}
	if text[0] != '{' {
		return nil, []Problem{o.notOne("not a Kubernetes object, which has fields")}
	}
	var h head
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &h); err != nil {
		return nil, []Problem{o.mistyped(err)}
	}
	if h.Kind == "" && h.APIVersion == "" && implied.Kind != "" {
		h.APIVersion, h.Kind = implied.ToAPIVersionAndKind()
		o.JSON = withKind(text, h.APIVersion, h.Kind)
	}
	switch {
	case h.APIVersion == "" && h.Kind == "":
		return nil, []Problem{o.notOne("not a Kubernetes object: it has neither apiVersion nor kind")}
	case h.APIVersion == "":
		return nil, []Problem{o.notOne(fmt.Sprintf("the %s has no apiVersion", h.Kind))}
	case h.Kind == "":
		return nil, []Problem{o.notOne("the object has no kind")}
	}
	o.APIVersion, o.Kind = h.APIVersion, h.Kind
	o.Name, o.Namespace = h.Metadata.Name, h.Metadata.Namespace
	if o.Name == "" {
		o.Name = h.Metadata.GenerateName
	}
	if kind, ok := strings.CutSuffix(h.Kind, "List"); ok && (len(h.Items) > 0 || h.APIVersion == "v1") {
		return d.expandList(o, h.Items, kind)
	}
	typed, unknown, err := decode(o.GroupVersionKind(), o.JSON)
	if err != nil {
		return nil, o.mistypes(typed, err)
	}
	o.Typed = typed
	if unknown {
		o.unknown = checkFields(typed, o.JSON).unknown
	}
	if p := o.flat(); p != nil {
		return nil, []Problem{*p}
	}
	if typed == nil {
		if wrong := o.checkShapes(); len(wrong) > 0 {
			return nil, o.problemsOf(wrong)
		}
	}
	return []*Object{o}, nil
}

func (d *document) expandList(list *Object, text json.RawMessage, kind string) (objects []*Object, problems []Problem) {
	var items []json.RawMessage
	if len(text) > 0 {
		if err := json.Unmarshal(text, &items); err != nil {
			return nil, []Problem{{File: d.file, Line: list.LineOf(finding.At("items")), Message: "items is no list"}}
		}
	}
	var implied schema.GroupVersionKind
	if kind != "" {
		implied = schema.FromAPIVersionAndKind(list.APIVersion, kind)
	}
	for i, item := range items {
		found, wrong := d.expand(item, append(slices.Clip(list.items), i), implied)
		objects = append(objects, found...)
		problems = append(problems, wrong...)
	}
	return objects, problems
}

func withKind(text []byte, apiVersion, kind string) []byte {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return text
	}
	for field, value := range map[string]string{"apiVersion": apiVersion, "kind": kind} {
		quoted, err := json.Marshal(value)
		if err != nil {
			return text
		}
		fields[field] = quoted
	}
	whole, err := json.Marshal(fields)
	if err != nil {
		return text
	}
	return whole
}

// notOne is said of what is no object. In a folder it may stand for good reasons: the
// values of a chart, say.
func (o *Object) notOne(message string) Problem {
	return Problem{File: o.File, Line: o.Line(), Message: message, Note: true}
}

// mistypes are all values that their fields cannot hold.
func (o *Object) mistypes(typed runtime.Object, err error) []Problem {
	check := checkFields(typed, o.JSON)
	if len(check.mistyped) == 0 {
		return []Problem{o.mistyped(err)}
	}
	return o.problemsOf(check.mistyped)
}

func (o *Object) problemsOf(wrong []mistyped) []Problem {
	if o.isTemplate() {
		return []Problem{o.document.unrendered()}
	}
	var problems []Problem
	for _, m := range wrong {
		problems = append(problems, Problem{File: o.File, Line: o.LineOf(m.place), Message: m.message})
	}
	return problems
}

func (o *Object) isTemplate() bool { return bytes.Contains(o.JSON, []byte("{{")) }

// flat is the problem of an object whose indentation is lost: what belongs below metadata and spec stands beside them.
func (o *Object) flat() *Problem {
	if o.Typed == nil || o.Name != "" {
		return nil
	}
	var lost []string
	for _, u := range o.unknown {
		if len(u.Place.Steps()) == 1 {
			lost = append(lost, u.Name)
		}
	}
	const few = 2
	if len(lost) < few {
		return nil
	}
	return &Problem{File: o.File, Line: o.Line(), Message: fmt.Sprintf(
		"the indentation of this %s is lost: %s stand at its left edge, and belong below metadata and spec", o.Kind, strings.Join(lost, ", "))}
}

// mismatch is how the JSON libraries say that a value has another type than its field.
var mismatch = regexp.MustCompile(`cannot unmarshal (.+) into Go (?:struct field \w*\.(\S+)|value) of type (\S+)$`)

// mistyped is a value that its field cannot hold. The value itself may be a secret, and
// is not in it.
func (o *Object) mistyped(err error) Problem {
	p := Problem{File: o.File, Line: o.Line(), Message: strings.TrimPrefix(err.Error(), "json: ")}
	if m := mismatch.FindStringSubmatch(p.Message); m != nil {
		what, _, _ := strings.Cut(m[1], " ")
		if what = given[what]; what == "" {
			what = "a number"
		}
		p.Message = fmt.Sprintf("%s is where the API server expects %s", what, wanted(m[3]))
		if m[2] != "" {
			p.Line = o.LineOf(finding.At(strings.Split(m[2], ".")...))
			p.Message = m[2] + ": " + p.Message
		}
	}
	return p
}

// given names JSON's types in the words of YAML.
var given = map[string]string{"array": "a list", "object": "an object with fields", "bool": "true or false", "string": "a string"}

// wanted names Go's types in the words of YAML.
func wanted(goType string) string {
	switch {
	case goType == "string":
		return "a string; put it in quotes"
	case goType == "bool":
		return "true or false"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		return "a whole number"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["):
		return "a map of strings"
	}
	return "an object with fields"
}
