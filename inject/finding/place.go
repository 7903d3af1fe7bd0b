package finding

import (
	"slices"
	"strconv"
	"strings"

	"akv-injector/internal/text"
)

// Place is a path to a field of an object, or of the object's namespace. The nil Place is
// the object itself. A Place is never changed: methods return a longer one.
type Place struct {
	parent *Place
	step   Step
	// inNamespace is set at the root of a path in the object's namespace.
	inNamespace bool
}

// Step is one step of a Place: a field, a key of a map, or an element of a list.
type Step struct {
	Kind StepKind
	// Name of the field or key as written, not shortened.
	Name string
	// Index of the element, from 0.
	Index int
}

// StepKind is what a Step leads to.
type StepKind int

// Kinds of steps.
const (
	Field StepKind = iota
	Key
	Element
)

// At is the place of a field in the object: At("spec", "volumes") is spec.volumes.
func At(names ...string) *Place { return (*Place)(nil).Child(names...) }

// InNamespace is the place of a field in the object's namespace. Its
// text begins with "namespace.".
func InNamespace(names ...string) *Place { return (&Place{inNamespace: true}).Child(names...) }

// Child is a field below p, or a field of that field, and so on.
func (p *Place) Child(names ...string) *Place {
	for _, name := range names {
		p = &Place{parent: p, step: Step{Kind: Field, Name: name}}
	}
	return p
}

// Key is the value of a key in the map at p.
func (p *Place) Key(key string) *Place {
	return &Place{parent: p, step: Step{Kind: Key, Name: key}}
}

// Index is an element of the list at p.
func (p *Place) Index(i int) *Place {
	return &Place{parent: p, step: Step{Kind: Element, Index: i}}
}

// Along is the place that steps lead to from p.
func (p *Place) Along(steps []Step) *Place {
	for _, step := range steps {
		p = &Place{parent: p, step: step}
	}
	return p
}

// InNamespace reports whether the place is in the object's namespace.
func (p *Place) InNamespace() bool {
	for ; p != nil; p = p.parent {
		if p.inNamespace {
			return true
		}
	}
	return false
}

// Steps lead from the object, or from its namespace, to the place.
func (p *Place) Steps() []Step {
	n := 0
	for q := p; q != nil && !q.inNamespace; q = q.parent {
		n++
	}
	steps := make([]Step, n)
	for q := p; n > 0; q = q.parent {
		n--
		steps[n] = q.step
	}
	return steps
}

// Last is the last step, or the zero Step if p is the object itself.
func (p *Place) Last() Step {
	if p == nil {
		return Step{}
	}
	return p.step
}

// String writes the path as Kubernetes does: spec.volumes[0].csi,
// metadata.annotations[azure.keyvault.injector/vault]. Names are outside text, so they are
// shortened and made printable.
func (p *Place) String() string { return p.text(text.Shorten, strconv.Itoa) }

// Shape is the path without the indexes of elements: it is equal for places that differ
// only in the positions of list elements. Names are not shortened.
func (p *Place) Shape() string {
	return p.text(func(name string) string { return name }, func(int) string { return "" })
}

func (p *Place) text(name func(string) string, index func(int) string) string {
	var b strings.Builder
	p.write(&b, func(s Step) {
		switch s.Kind {
		case Element:
			b.WriteString("[" + index(s.Index) + "]")
		case Key:
			b.WriteString("[" + name(s.Name) + "]")
		case Field:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(name(s.Name))
		}
	})
	return b.String()
}

func (p *Place) write(b *strings.Builder, step func(Step)) {
	if p == nil {
		return
	}
	if p.inNamespace {
		b.WriteString("namespace")
		return
	}
	p.parent.write(b, step)
	step(p.step)
}

// MarshalText is String: in JSON a place is its path.
func (p *Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Equal reports whether p and other are the same place.
func (p *Place) Equal(other *Place) bool {
	return p == other || p.InNamespace() == other.InNamespace() && slices.Equal(p.Steps(), other.Steps())
}

// Below reports whether p is other or a place below it.
func (p *Place) Below(other *Place) bool {
	steps, prefix := p.Steps(), other.Steps()
	return p.InNamespace() == other.InNamespace() && len(steps) >= len(prefix) && slices.Equal(steps[:len(prefix)], prefix)
}
