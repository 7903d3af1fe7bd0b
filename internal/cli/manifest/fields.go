package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// Unknown is something in an object that nobody reads.
type Unknown struct {
	Place *finding.Place
	// What it is, in words before its name.
	What, Name string
	// Fix says in one sentence what to do.
	Fix string
	// Field is set for a field, not for an annotation.
	Field bool
}

// String says in one sentence what nobody reads.
func (u Unknown) String() string {
	if u.Field {
		return fmt.Sprintf("%s %q: the API server drops it, or refuses the object.", u.What, u.Name)
	}
	return fmt.Sprintf("%s %q.", u.What, u.Name)
}

// fieldCheck compares a value with the Go type that the API server decodes it into: a field that the type
// does not have, and a value that its field cannot hold. Each with its place, which the decoders do not say.
type fieldCheck struct {
	unknown    []Unknown
	mistyped   []mistyped
	parameters bool // of a class, which people write one level too high
}

type mistyped struct {
	place   *finding.Place
	message string
}

// maxFields is how many mistakes of a kind are told of one object.
const maxFields = 50

func checkFields(typed any, object []byte) *fieldCheck {
	c := &fieldCheck{}
	_, c.parameters = typed.(*secretsstorev1.SecretProviderClass)
	var value any
	if err := json.Unmarshal(object, &value); err == nil {
		c.check(reflect.TypeOf(typed), value, nil, nil)
	}
	return c
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// check compares a value with a type; parent is the type around it.
func (c *fieldCheck) check(t reflect.Type, value any, at *finding.Place, parent reflect.Type) {
	if len(c.unknown)+len(c.mistyped) >= maxFields || value == nil {
		return
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return // it has a form of its own
	}
	switch t.Kind() {
	case reflect.Struct:
		m, ok := value.(map[string]any)
		if !ok {
			c.misfit(at, value, "an object with fields", "")
			return
		}
		c.checkStruct(t, m, at, parent)
	case reflect.Map:
		m, ok := value.(map[string]any)
		if !ok {
			c.misfit(at, value, "a map", "")
			return
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			c.checkElement(t.Elem(), m[key], at, key)
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			if _, ok := value.(string); !ok {
				c.misfit(at, value, "a string", "put it in quotes")
			}
			return
		}
		list, ok := value.([]any)
		if !ok {
			c.misfit(at, value, "a list", "")
			return
		}
		for i, item := range list {
			c.check(t.Elem(), item, at.Index(i), parent)
		}
	default:
		c.checkScalar(t.Kind(), value, at)
	}
}

// checkElement compares an element of a map. The maps of strings in which people write other things have hints.
func (c *fieldCheck) checkElement(t reflect.Type, value any, at *finding.Place, key string) {
	place := at.Key(key)
	if at.Last().Name == "parameters" && c.parameters {
		place = at.Child(key)
	}
	if t.Kind() != reflect.String || value == nil {
		c.check(t, value, place, nil)
		return
	}
	if _, ok := value.(string); ok {
		return
	}
	hint := "put it in quotes"
	_, list := value.([]any)
	_, object := value.(map[string]any)
	switch {
	case key == "nodePublishSecretRef":
		hint = "it belongs beside " + at.Last().Name + ", as csi.nodePublishSecretRef.name"
	case c.parameters && key == provider.ParamObjects && (list || object):
		hint = "write objects: | and below it array: and the list, so that all of it is text"
	case list || object:
		hint = "write it as text, behind " + key + ": |"
	}
	c.misfit(place, value, "a string", hint)
}

func (c *fieldCheck) checkScalar(kind reflect.Kind, value any, at *finding.Place) {
	switch kind {
	case reflect.String:
		if _, ok := value.(string); !ok {
			c.misfit(at, value, "a string", "put it in quotes")
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			c.misfit(at, value, "true or false", "write it without quotes")
		}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64:
		if n, ok := value.(float64); !ok || n != float64(int64(n)) {
			c.misfit(at, value, "a whole number", "")
		}
	default:
	}
}

func (c *fieldCheck) misfit(at *finding.Place, value any, wants, hint string) {
	var is string
	switch value.(type) {
	case []any:
		is = "a list"
	case map[string]any:
		is = "an object with fields"
	case bool:
		is = "true or false"
	case string:
		is = "a string"
	default:
		is = "a number"
	}
	message := fmt.Sprintf("%s: %s is where the API server expects %s", at, is, wants)
	if hint != "" {
		message += "; " + hint
	}
	c.mistyped = append(c.mistyped, mistyped{at, message})
}

func (c *fieldCheck) checkStruct(t reflect.Type, m map[string]any, at *finding.Place, parent reflect.Type) {
	fields := fieldsOf(t)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if field, ok := fields[key]; ok {
			c.check(field, m[key], at.Child(key), t)
			continue
		}
		if at == nil && (key == "apiVersion" || key == "kind") {
			continue
		}
		if len(c.unknown) >= maxFields {
			return
		}
		c.unknown = append(c.unknown, Unknown{at.Child(key), "Kubernetes has no field", text.Shorten(key), c.fix(key, fields, parent, at), true})
	}
}

// fix says where an unknown field belongs, or what it is meant to be.
func (c *fieldCheck) fix(key string, fields map[string]reflect.Type, parent reflect.Type, at *finding.Place) string {
	if c.parameters && at.String() == "spec" {
		for _, name := range provider.ClassParameters() {
			if strings.EqualFold(name, key) {
				return fmt.Sprintf("Move it into spec.parameters, as %s.", name)
			}
		}
	}
	names := slices.Sorted(maps.Keys(fields))
	for _, name := range names {
		if strings.EqualFold(name, key) {
			return fmt.Sprintf("Write %s: upper and lower case matter.", name)
		}
	}
	for _, name := range names {
		if inner := structOf(fields[name]); inner != nil {
			if _, ok := fieldsOf(inner)[key]; ok {
				return fmt.Sprintf("Move it into %s.", at.Child(name))
			}
		}
	}
	if parent != nil {
		if _, ok := fieldsOf(parent)[key]; ok {
			return "Move it one level up."
		}
	}
	if near := text.Nearest(key, names); near != "" {
		return fmt.Sprintf("Did you mean %s?", near)
	}
	return "Correct the name or its place, or remove it."
}

// structOf is the struct that a field has, or each of its elements, or nil.
func structOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(unmarshaler) {
		return nil
	}
	return t
}

// fieldsOf are the fields of a struct by their names in JSON, those of embedded ones too.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && (name == "" || strings.Contains(options, "inline")) {
			if inner := structOf(f.Type); inner != nil {
				maps.Copy(fields, fieldsOf(inner))
			}
			continue
		}
		if name != "" && name != "-" && f.IsExported() {
			fields[name] = f.Type
		}
	}
	return fields
}
