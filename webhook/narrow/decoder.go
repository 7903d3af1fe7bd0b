package narrow

import (
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// decoder reads JSON. Its methods report whether they have understood what they read; if not, nothing that was read counts.
type decoder struct {
	text []byte
	at   int
	// depth of what is read.
	depth int
	// elements and fields so far, since the beginning of the pod. Beyond the limits nothing is read any more.
	elements, fields int
	limits           Limits
	turn             func(namespace string) bool
	// scratch has, by the node, a list that elements are read into before their number is known.
	scratch []scratch
	// strings that were read, so far. There are hundreds in a pod, and they end with it.
	strings strings.Builder
	// keys of maps that are being read, to find those that are there twice.
	keys [][]byte
	// request that is being read, and the pod in it.
	request reflect.Value
	pod     *corev1.Pod
}

// maxDepth is deeper than any pod.
const maxDepth = 64

// value reads a value into a variable, or only checks it if that is the zero Value.
func (d *decoder) value(n *node, into reflect.Value) bool {
	d.space()
	if d.peek('n') {
		// A variable that nothing was read into has its zero value, which is what null gives.
		return n.kind != podObject && d.literal("null")
	}
	switch n.kind {
	case text:
		return d.keepText(into)
	case boolean:
		return d.boolean(into)
	case number32, number64:
		return d.integer(n.kind, into)
	case quantity, numberOrText, instant:
		return d.special(n.kind, into)
	case pointer:
		return d.pointer(n, into)
	case list:
		return d.list(n, into)
	case texts:
		return d.texts(into)
	case maps:
		// Maps that are kept have strings in them.
		return !into.IsValid() && d.entries(func([]byte) bool { return d.value(n.element, into) })
	case structure:
		return d.structure(n, into)
	case podObject:
		return d.object()
	case raw:
		return d.raw(into)
	case anything:
		return !into.IsValid() && d.anything()
	case other:
	}
	return false
}

func (d *decoder) pointer(n *node, into reflect.Value) bool {
	if !into.IsValid() {
		return d.value(n.element, into)
	}
	made := reflect.New(n.element.typ)
	into.Set(made)
	return d.value(n.element, made.Elem())
}

// scratch is a list that is used again and again.
type scratch struct {
	elements reflect.Value
	busy     bool
}

// list reads a list. An empty one is not nil.
func (d *decoder) list(n *node, into reflect.Value) bool {
	if !into.IsValid() {
		return d.each(func() bool { return d.value(n.element, reflect.Value{}) })
	}
	s := &d.scratch[n.scratch]
	if s.busy {
		return false // a list within one of its kind
	}
	s.busy = true
	defer func() { s.busy = false }()
	if !s.elements.IsValid() {
		s.elements = reflect.New(n.typ).Elem()
	}
	elements := s.elements
	elements.SetLen(0)
	ok := d.each(func() bool {
		elements.Grow(1)
		elements.SetLen(elements.Len() + 1)
		return d.value(n.element, elements.Index(elements.Len()-1))
	})
	if ok {
		into.Set(n.empty)
		into.Grow(elements.Len())
		into.SetLen(elements.Len())
		reflect.Copy(into, elements)
	}
	elements.Clear() // what comes next is read into zero values
	if elements.Cap() > maxScratch {
		elements.SetZero()
	}
	return ok
}

// maxScratch elements are kept for the next list.
const maxScratch = 256

// texts reads a map of strings. An empty one is not nil.
func (d *decoder) texts(into reflect.Value) bool {
	if !into.IsValid() {
		return d.entries(func([]byte) bool { return d.value(textNode, into) })
	}
	read := map[string]string{}
	into.Set(reflect.ValueOf(read))
	return d.members(func(key []byte) bool {
		if _, twice := read[string(key)]; twice {
			return false
		}
		d.space()
		if d.peek('n') {
			read[d.keep(key)] = ""
			return d.literal("null")
		}
		value, ok := d.string()
		read[d.keep(key)] = value
		return ok
	})
}

// structure reads the fields that there are, each once. Others are checked.
func (d *decoder) structure(n *node, into reflect.Value) bool {
	if n == requestNode {
		d.request = into
	}
	var seen uint64
	next, mark := 0, len(d.keys)
	ok := d.members(func(key []byte) bool {
		i := n.find(key, next)
		if i < 0 {
			return d.newKey(mark, key) && d.anything()
		}
		if seen&(1<<i) != 0 {
			return false
		}
		seen |= 1 << i
		next = i + 1
		f := &n.fields[i]
		if f.leftOut || !into.IsValid() {
			return d.value(f.node, reflect.Value{})
		}
		return d.value(f.node, into.FieldByIndex(f.index))
	})
	d.keys = d.keys[:mark]
	return ok
}

// find is the index of a field, or -1. It is most likely one of those behind the last.
func (n *node) find(key []byte, next int) int {
	for i := next; i < len(n.fields); i++ {
		if n.fields[i].name == string(key) {
			return i
		}
	}
	for i := range next {
		if n.fields[i].name == string(key) {
			return i
		}
	}
	return -1
}

// entries reads a map, in which each key is there once.
func (d *decoder) entries(value func(key []byte) bool) bool {
	mark := len(d.keys)
	ok := d.members(func(key []byte) bool { return d.newKey(mark, key) && value(key) })
	d.keys = d.keys[:mark]
	return ok
}

// maxKeys of a map are compared with each other. That of more is not read here.
const maxKeys = 256

// newKey reports whether a key is none of those since mark.
func (d *decoder) newKey(mark int, key []byte) bool {
	if len(d.keys)-mark >= maxKeys {
		return false
	}
	for _, other := range d.keys[mark:] {
		if len(other) == len(key) && string(other) == string(key) {
			return false
		}
	}
	d.keys = append(d.keys, key)
	return true
}

// raw keeps a value as it is.
func (d *decoder) raw(into reflect.Value) bool {
	start := d.at
	if !d.anything() {
		return false
	}
	if into.IsValid() {
		extension, ok := reflect.TypeAssert[*runtime.RawExtension](into.Addr())
		if !ok {
			return false
		}
		extension.Raw = d.text[start:d.at:d.at]
	}
	return true
}

// anything checks any value. Nobody looks into it, so that it does not matter whether a key is there twice.
func (d *decoder) anything() bool {
	d.space()
	if d.at >= len(d.text) {
		return false
	}
	switch c := d.text[d.at]; c {
	case '{':
		return d.membersOf(func([]byte, bool) bool { return d.anything() })
	case '[':
		return d.each(d.anything)
	case '"':
		_, _, ok := d.quoted()
		return ok
	case 't':
		return d.literal("true")
	case 'f':
		return d.literal("false")
	case 'n':
		return d.literal("null")
	default:
		_, ok := d.number()
		return ok
	}
}
