package manifest

import (
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"akv-injector/inject/finding"
)

// Line is where the object begins.
func (o *Object) Line() int { return o.LineOf(nil) }

// LineOf is the line of a place in the object's file: of the field itself, or of the
// deepest part of its path that exists.
//
// An element of a list that is a string's text has a line of its own where the string is
// a block with | and the string's line otherwise.
func (o *Object) LineOf(place *finding.Place) int {
	d := o.document
	root, err := d.root()
	if err != nil || root == nil {
		return d.first
	}
	n := root
	for _, i := range o.items {
		list := resolve(child(n, "items"))
		if list == nil || i >= len(list.Content) {
			return d.lineAt(n.Line)
		}
		n = resolve(list.Content[i])
	}
	line := n.Line
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		line = n.Content[0].Line
	}
	return d.lineAt(find(n, place.Steps(), line))
}

// find follows steps as far as they lead, and returns the last line that it met.
func find(n *yaml.Node, steps []finding.Step, line int) int {
	for len(steps) > 0 {
		n = resolve(n)
		if n == nil {
			return line
		}
		switch n.Kind {
		case yaml.MappingNode:
			if steps[0].Kind == finding.Element {
				return line
			}
			key, value := lookup(n, steps[0].Name)
			if value == nil {
				return line
			}
			line, n, steps = key.Line, value, steps[1:]
		case yaml.SequenceNode:
			i := steps[0].Index
			if steps[0].Kind != finding.Element || i < 0 || i >= len(n.Content) {
				return line
			}
			n, steps = n.Content[i], steps[1:]
			line = n.Line
		case yaml.ScalarNode:
			return inText(n, steps, line)
		default:
			return line
		}
	}
	return line
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// lookup finds the key of a map, in the map itself or in those that are merged into it.
func lookup(n *yaml.Node, name string) (key, value *yaml.Node) {
	const mergesInMerges = 8
	return lookupIn(n, name, mergesInMerges)
}

func lookupIn(n *yaml.Node, name string, depth int) (key, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	if depth == 0 {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			continue
		}
		merged := resolve(n.Content[i+1])
		if merged == nil {
			continue
		}
		sources := []*yaml.Node{merged}
		if merged.Kind == yaml.SequenceNode {
			sources = merged.Content
		}
		for _, source := range sources {
			if source = resolve(source); source == nil || source.Kind != yaml.MappingNode {
				continue
			}
			if key, value = lookupIn(source, name, depth-1); value != nil {
				return key, value
			}
		}
	}
	return nil, nil
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	_, value := lookup(n, key)
	return value
}

// inText finds a place in a string that is itself a list: in the provider's YAML, or in
// an annotation's own form, whose elements are split at commas and ends of lines.
func inText(n *yaml.Node, steps []finding.Step, line int) int {
	if n.Style&yaml.LiteralStyle == 0 {
		return line
	}
	// The lines of a block with | are those of its value, and begin below its head.
	below := n.Line
	var inner yaml.Node
	if err := yaml.Unmarshal([]byte(n.Value), &inner); err == nil && len(inner.Content) == 1 {
		root := inner.Content[0]
		if list := child(root, "array"); list != nil && steps[0].Kind == finding.Element {
			root = resolve(list)
		}
		if root != nil && (root.Kind == yaml.SequenceNode || root.Kind == yaml.MappingNode) {
			if found := find(root, steps, 0); found > 0 {
				return below + found
			}
			return line
		}
	}
	if steps[0].Kind == finding.Element {
		if at := compactLine(n.Value, steps[0].Index); at > 0 {
			return below + at
		}
	}
	return line
}

// compactLine is the line, from 1, of the element of a list that an annotation holds, or 0.
func compactLine(value string, element int) int {
	number := 0
	for line := range strings.Lines(value) {
		number++
		line, _, _ = strings.Cut(line, "#")
		for item := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(item) == "" {
				continue
			}
			if element == 0 {
				return number
			}
			element--
		}
	}
	return 0
}
