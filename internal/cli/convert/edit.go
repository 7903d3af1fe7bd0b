package convert

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// editor changes a YAML document twice: as a tree, which is always right, and as lines of
// text, which keeps comments, blank lines and quotes as they were written. The lines are
// used if they say the same as the tree.
type editor struct {
	root  *yaml.Node
	lines []string
	cut   []bool
	// added stands before the line of that index.
	added map[int][]string
	// treeOnly is set if a change cannot be made in lines.
	treeOnly bool
}

func newEditor(text []byte, root *yaml.Node) *editor {
	lines := slices.Collect(strings.Lines(string(text)))
	if n := len(lines); n > 0 && !strings.HasSuffix(lines[n-1], "\n") {
		lines[n-1] += "\n"
	}
	return &editor{root: root, lines: lines, cut: make([]bool, len(lines)), added: map[int][]string{}}
}

// get is the value of a key, or nil.
func get(m *yaml.Node, key string) *yaml.Node {
	if i := keyIndex(m, key); i >= 0 {
		return m.Content[i+1]
	}
	return nil
}

func keyIndex(m *yaml.Node, key string) int {
	if m == nil || m.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// removeKey takes a key and its value out of a mapping.
func (e *editor) removeKey(m *yaml.Node, key string) {
	i := keyIndex(m, key)
	if i < 0 {
		return
	}
	from, to := e.keySpan(m.Content[i], m.Content[i+1])
	e.remove(m, from, to)
	m.Content = slices.Delete(m.Content, i, i+2)
}

// removeItems takes elements out of the list of a key, and the key with the last.
func (e *editor) removeItems(m *yaml.Node, key string, gone func(item *yaml.Node) bool) {
	list := get(m, key)
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	if len(list.Content) > 0 && !slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return !gone(n) }) {
		e.removeKey(m, key)
		return
	}
	list.Content = slices.DeleteFunc(list.Content, func(item *yaml.Node) bool {
		if !gone(item) {
			return false
		}
		from, to := e.itemSpan(list, item)
		e.remove(list, from, to)
		return true
	})
}

func (e *editor) remove(parent *yaml.Node, from, to int) {
	if parent.Style&yaml.FlowStyle != 0 {
		e.treeOnly = true
	}
	for i := from; i < to; i++ {
		e.cut[i] = true
	}
}

// keySpan are the lines of a key and its value, with the comment above.
func (e *editor) keySpan(key, value *yaml.Node) (from, to int) {
	from = key.Line - 1
	indent := key.Column - 1
	if !e.begins(from, indent, "") {
		return 0, 0
	}
	dashes := value.Kind == yaml.SequenceNode && value.Style&yaml.FlowStyle == 0
	to = e.bodyEnd(from+1, indent, dashes)
	return e.withComment(from, indent), to
}

// itemSpan are the lines of an element of a list, with the comment above.
func (e *editor) itemSpan(list, item *yaml.Node) (from, to int) {
	from = item.Line - 1
	indent := list.Column - 1
	if !e.begins(from, indent, "-") {
		return 0, 0
	}
	return e.withComment(from, indent), e.bodyEnd(from+1, indent, false)
}

// begins reports whether nothing but spaces stands before a column, and this text there.
func (e *editor) begins(line, indent int, text string) bool {
	if line < 0 || line >= len(e.lines) || indent < 0 || len(e.lines[line]) < indent ||
		strings.TrimSpace(e.lines[line][:indent]) != "" || !strings.HasPrefix(e.lines[line][indent:], text) {
		e.treeOnly = true
		return false
	}
	return true
}

func (e *editor) withComment(from, indent int) int {
	for from > 0 && indentOf(e.lines[from-1]) == indent && strings.HasPrefix(e.lines[from-1][indent:], "#") {
		from--
	}
	return from
}

// bodyEnd goes along the lines that are indented more deeply. Blank lines and comments
// belong to what follows them.
func (e *editor) bodyEnd(at, indent int, dashes bool) int {
	end := at
	for ; at < len(e.lines); at++ {
		line := strings.TrimSpace(e.lines[at])
		deep := indentOf(e.lines[at])
		switch {
		case line == "":
		case deep > indent, dashes && deep == indent && (line == "-" || strings.HasPrefix(line, "- ")):
			end = at + 1
		case strings.HasPrefix(line, "#"):
		default:
			return end
		}
	}
	return end
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// setKeys adds keys to a mapping, behind those that it has.
func (e *editor) setKeys(m *yaml.Node, keys *yaml.Node) {
	if len(m.Content) == 0 || m.Style&yaml.FlowStyle != 0 {
		e.treeOnly = true
		m.Style &^= yaml.FlowStyle
	} else {
		n := len(m.Content)
		_, end := e.keySpan(m.Content[n-2], m.Content[n-1])
		e.add(end, m.Content[0].Column-1, keys)
	}
	m.Content = append(m.Content, keys.Content...)
}

// setFirst adds keys to a mapping, before those that it has.
func (e *editor) setFirst(m *yaml.Node, keys *yaml.Node) {
	if len(m.Content) == 0 || m.Style&yaml.FlowStyle != 0 {
		e.treeOnly = true
	} else if e.begins(m.Content[0].Line-1, m.Content[0].Column-1, "") {
		e.add(m.Content[0].Line-1, m.Content[0].Column-1, keys)
	}
	m.Content = append(slices.Clone(keys.Content), m.Content...)
}

func (e *editor) add(before, indent int, keys *yaml.Node) {
	if e.treeOnly {
		return // the place may be none: JSON has no lines here
	}
	text, err := encode(keys, false)
	if err != nil {
		e.treeOnly = true
		return
	}
	end := "\n"
	if len(e.lines) > 0 && strings.HasSuffix(e.lines[0], "\r\n") {
		end = "\r\n"
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			line = strings.Repeat(" ", indent) + line
		}
		e.added[before] = append(e.added[before], line+end)
	}
}

// text of the changed document.
func (e *editor) text() ([]byte, error) {
	if !e.treeOnly {
		var b strings.Builder
		for i, line := range e.lines {
			for _, added := range e.added[i] {
				b.WriteString(added)
			}
			if !e.cut[i] {
				b.WriteString(line)
			}
		}
		for _, added := range e.added[len(e.lines)] {
			b.WriteString(added)
		}
		if sameValue([]byte(b.String()), e.root) {
			return []byte(b.String()), nil
		}
	}
	return encode(e.root, compact(e.root))
}

func sameValue(text []byte, want *yaml.Node) bool {
	var a, b any
	if err := yaml.Unmarshal(text, &a); err != nil {
		return false
	}
	if err := want.Decode(&b); err != nil {
		return false
	}
	return reflect.DeepEqual(a, b)
}

func encode(n *yaml.Node, compactLists bool) ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if compactLists {
		encoder.CompactSeqIndent()
	}
	if err := encoder.Encode(n); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}

// compact reports whether lists stand as far left as their keys.
func compact(n *yaml.Node) bool {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && child.Kind == yaml.SequenceNode && child.Style&yaml.FlowStyle == 0 && len(child.Content) > 0 {
			return child.Column == n.Content[i-1].Column
		}
		if found := compact(child); found {
			return true
		}
	}
	return false
}

// stringMap is a mapping of strings; text of more than one line stands as a block.
func stringMap(keys []string, values map[string]string) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, k := range keys {
		value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: values[k]}
		if strings.Contains(values[k], "\n") {
			value.Style = yaml.LiteralStyle
		}
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: k}, value)
	}
	return m
}
