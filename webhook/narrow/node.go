package narrow

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// kind is what a value in JSON has to be.
type kind int

const (
	// other is nothing that is read here: null alone is understood.
	other kind = iota
	text
	boolean
	number32
	number64
	quantity
	numberOrText
	instant
	// raw is any value, which is kept as it is.
	raw
	// anything is any value, which is not kept.
	anything
	pointer
	list
	texts // a map of strings
	maps
	structure
	podObject
)

// node says how values of a type are read.
type node struct {
	kind kind
	typ  reflect.Type
	// scratch is the number of the node among those of lists.
	scratch int
	// empty is a list without elements, which is not nil.
	empty reflect.Value
	// element of a pointer, a list or a map.
	element *node
	// fields of a structure, in the order in which the API server writes them.
	fields []field
}

type field struct {
	name  string
	index []int
	node  *node
	// leftOut is set if the value is checked, but not kept.
	leftOut bool
}

func (n *node) field(name string) *field {
	i := slices.IndexFunc(n.fields, func(f field) bool { return f.name == name })
	return &n.fields[i]
}

// special are types that read themselves.
var special = map[reflect.Type]kind{
	reflect.TypeFor[resource.Quantity]():    quantity,
	reflect.TypeFor[intstr.IntOrString]():   numberOrText,
	reflect.TypeFor[metav1.Time]():          instant,
	reflect.TypeFor[metav1.FieldsV1]():      anything,
	reflect.TypeFor[runtime.RawExtension](): raw,
}

// maxFields is how many fields of a structure can be told apart from each other.
const maxFields = 64

// scratches is how many nodes of lists there are.
var scratches int

// compile makes the node of a type.
func compile(t reflect.Type) *node {
	known := map[reflect.Type]*node{}
	return compileWith(known, t)
}

func compileWith(known map[reflect.Type]*node, t reflect.Type) *node {
	if n, ok := known[t]; ok {
		return n
	}
	n := &node{typ: t}
	known[t] = n
	if k, ok := special[t]; ok {
		n.kind = k
		return n
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return n
	}
	switch t.Kind() { //nolint:exhaustive // Values of other kinds go the long way.
	case reflect.String:
		n.kind = text
	case reflect.Bool:
		n.kind = boolean
	case reflect.Int32:
		n.kind = number32
	case reflect.Int64:
		n.kind = number64
	case reflect.Pointer:
		n.kind, n.element = pointer, compileWith(known, t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 { // bytes are base64
			n.kind, n.element = list, compileWith(known, t.Elem())
			n.scratch, n.empty = scratches, reflect.MakeSlice(t, 0, 0)
			scratches++
		}
	case reflect.Map:
		switch {
		case t == reflect.TypeFor[map[string]string]():
			n.kind = texts
		case t.Key().Kind() == reflect.String:
			n.kind, n.element = maps, compileWith(known, t.Elem())
		}
	case reflect.Struct:
		n.kind = structure
		n.addFields(known, t, nil)
		if len(n.fields) > maxFields {
			n.kind, n.fields = other, nil
		}
	}
	return n
}

// addFields adds the fields of a structure, and those of structures that are embedded in it.
func (n *node) addFields(known map[reflect.Type]*node, t reflect.Type, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case name == "" && f.Anonymous:
			n.addFields(known, f.Type, at)
		default:
			to := compileWith(known, f.Type)
			if strings.Contains(options, "string") {
				to = &node{typ: f.Type}
			}
			n.fields = append(n.fields, field{name: name, index: at, node: to, leftOut: slices.Contains(LeftOut[t], name)})
		}
	}
}
