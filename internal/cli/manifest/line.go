package manifest

import (
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// Line is where the object begins.
func (o *Object) Line() int { return o.LineOf("") }

// LineOf is the line of a field in the object's file: of the field itself, or of the
// deepest part of its path that exists. It knows the paths of findings:
//
//	spec.template.spec.containers[1].volumeMounts[0].subPath
//	metadata.annotations[azure.keyvault.injector/objects][2]
//	spec.parameters.objects[0].objectVersion
//
// An element of a list that is a string's text has a line of its own where the string is
// a block with | and the string's line otherwise.
func (o *Object) LineOf(fieldPath string) int {
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
	return d.lineAt(find(n, fieldPath, line))
}

// find goes along a path as far as it leads, and returns the last line that it met.
func find(n *yaml.Node, path string, line int) int {
	for path != "" {
		n = resolve(n)
		if n == nil {
			return line
		}
		switch n.Kind {
		case yaml.MappingNode:
			key, value, rest := step(n, path)
			if value == nil {
				return line
			}
			line, n, path = key.Line, value, rest
		case yaml.SequenceNode:
			i, rest, ok := index(path)
			if !ok || i >= len(n.Content) {
				return line
			}
			n, path = n.Content[i], rest
			line = n.Line
		case yaml.ScalarNode:
			return inText(n, path, line)
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

// index reads [3] at the beginning of a path.
func index(path string) (i int, rest string, ok bool) {
	inner, found := strings.CutPrefix(path, "[")
	if !found {
		return 0, path, false
	}
	digits, rest, found := strings.Cut(inner, "]")
	i, err := strconv.Atoi(digits)
	return i, rest, found && err == nil && i >= 0
}

// step takes the key that a path begins with, in its two spellings: name or .name, and
// [key]. Keys may hold dots and brackets themselves, so the longest that fits is taken.
func step(n *yaml.Node, path string) (key, value *yaml.Node, rest string) {
	const mergesInMerges = 8
	stepIn(n, path, mergesInMerges, &key, &value, &rest)
	return key, value, rest
}

func stepIn(n *yaml.Node, path string, depth int, key, value **yaml.Node, rest *string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if left, ok := begins(path, k.Value); ok && (*key == nil || len(left) < len(*rest)) {
			*key, *value, *rest = k, n.Content[i+1], left
		}
	}
	if *key != nil || depth == 0 {
		return
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
			if source = resolve(source); source != nil && source.Kind == yaml.MappingNode && *key == nil {
				stepIn(source, path, depth-1, key, value, rest)
			}
		}
	}
}

// begins tells whether a path begins with a key, and what follows.
func begins(path, key string) (rest string, ok bool) {
	if inner, bracket := strings.CutPrefix(path, "["); bracket {
		if rest, ok = strings.CutPrefix(inner, key+"]"); ok {
			return rest, true
		}
		// A long key stands shortened in a path.
		end := strings.Index(inner, "…]")
		if end > 0 && strings.HasPrefix(key, inner[:end]) {
			return inner[end+len("…]"):], true
		}
		return "", false
	}
	rest, ok = strings.CutPrefix(strings.TrimPrefix(path, "."), key)
	return rest, ok && key != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	_, value, rest := step(n, key)
	if rest != "" {
		return nil
	}
	return value
}

// inText finds a place in a string that is itself a list: in the provider's YAML, or in
// an annotation's own form, whose elements are split at commas and ends of lines.
func inText(n *yaml.Node, path string, line int) int {
	if n.Style&yaml.LiteralStyle == 0 {
		return line
	}
	// The lines of a block with | are those of its value, and begin below its head.
	below := n.Line
	var inner yaml.Node
	if err := yaml.Unmarshal([]byte(n.Value), &inner); err == nil && len(inner.Content) == 1 {
		root := inner.Content[0]
		if list := child(root, "array"); list != nil && strings.HasPrefix(path, "[") {
			root = resolve(list)
		}
		if root != nil && (root.Kind == yaml.SequenceNode || root.Kind == yaml.MappingNode) {
			if found := find(root, path, 0); found > 0 {
				return below + found
			}
			return line
		}
	}
	if i, _, ok := index(path); ok {
		if at := compactLine(n.Value, i); at > 0 {
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
