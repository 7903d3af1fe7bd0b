package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	yaml "go.yaml.in/yaml/v3"
)

// root is the document's value with positions, or nil if there is none.
func (d *document) root() (*yaml.Node, error) {
	d.nodesOnce.Do(func() {
		if d.isJSON {
			d.nodes, d.nodesErr = jsonNodes(d.text)
			return
		}
		var n yaml.Node
		if err := yaml.Unmarshal(d.text, &n); err != nil {
			d.nodesErr = err
		} else if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
			d.nodes = n.Content[0]
		}
	})
	return d.nodes, d.nodesErr
}

// maxDepth is encoding/json's.
const maxDepth = 10000

// jsonNodes are the nodes of a JSON value. A YAML parser would read most of JSON, but not
// tabs before a brace, and not all of its escapes.
func jsonNodes(text []byte) (*yaml.Node, error) {
	r := &jsonReader{Decoder: json.NewDecoder(bytes.NewReader(text)), text: text, line: 1}
	r.UseNumber()
	return r.value(0)
}

type jsonReader struct {
	*json.Decoder
	text []byte
	// The line of the byte up to which lines are counted.
	line, counted int
}

func (r *jsonReader) token() (json.Token, error) {
	t, err := r.Token()
	if err != nil {
		return nil, err
	}
	// No token of JSON goes over the end of a line.
	at := int(r.InputOffset())
	r.line += bytes.Count(r.text[r.counted:at], []byte("\n"))
	r.counted = at
	return t, nil
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line}
	switch t := t.(type) {
	case json.Delim:
		n.Kind = yaml.SequenceNode
		if t == '{' {
			n.Kind = yaml.MappingNode
		}
		for r.More() {
			if t == '{' {
				key, err := r.token()
				if err != nil {
					return nil, err
				}
				name, _ := key.(string)
				n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name, Line: r.line})
			}
			child, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		if _, err := r.token(); err != nil { // the bracket that closes it
			return nil, err
		}
	case nil:
		n.Tag = "!!null"
	default:
		n.Value = fmt.Sprint(t)
	}
	return n, nil
}

// duplicates finds keys that stand twice in a mapping.
func (d *document) duplicates(root *yaml.Node) []Problem {
	var problems []Problem
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode {
			seen := make(map[string]bool, len(n.Content)/2)
			for i := 0; i+1 < len(n.Content); i += 2 {
				key := n.Content[i]
				if key.Kind == yaml.ScalarNode && seen[key.Value] {
					problems = append(problems, d.problem(key.Line, fmt.Sprintf("the key %q appears twice", key.Value)))
				}
				seen[key.Value] = true
			}
		}
		for _, child := range n.Content {
			visit(child)
		}
	}
	visit(root)
	return problems
}

// keyWithFields is the line of the first key in a mapping that is no scalar, or 1.
func (d *document) keyWithFields() int {
	line := 1
	var visit func(n *yaml.Node) bool
	visit = func(n *yaml.Node) bool {
		for i, child := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 0 && child.Kind != yaml.ScalarNode && child.Kind != yaml.AliasNode {
				line = child.Line
				return true
			}
			if visit(child) {
				return true
			}
		}
		return false
	}
	if root, err := d.root(); err == nil && root != nil {
		visit(root)
	}
	return line
}

// maxExpansion is what aliases may add to a document: as much as the API server takes in a
// whole request (Kubernetes 1.37.2, MaxRequestBodyBytes).
const maxExpansion = 3 << 20

// checkAliases refuses documents whose aliases make a small text a huge one. The YAML
// library bounds the number of nodes, but not their length.
func (d *document) checkAliases() *Problem {
	if !bytes.ContainsRune(d.text, '*') || !bytes.ContainsRune(d.text, '&') {
		return nil
	}
	root, err := d.root()
	if err != nil || root == nil {
		return nil // the reader of values says so, in its own words
	}
	m := &measure{sizes: map[*yaml.Node]int{}, open: map[*yaml.Node]bool{}}
	size := m.size(root)
	switch {
	case m.circle != nil:
		p := d.problem(m.circle.Line, fmt.Sprintf("the anchor %q contains itself", m.circle.Value))
		return &p
	case size > 2*len(d.text)+maxExpansion:
		p := d.problem(m.largest.Line, fmt.Sprintf("the aliases of this document stand for more than %d MiB; write the values out", maxExpansion>>20))
		return &p
	}
	return nil
}

// measure counts what a document is when its aliases are written out.
type measure struct {
	sizes map[*yaml.Node]int
	open  map[*yaml.Node]bool
	// largest is the alias that stands for the most, which is most.
	largest *yaml.Node
	most    int
	// circle is an alias of what it stands in.
	circle *yaml.Node
}

// size is the length of a node with its aliases written out.
func (m *measure) size(n *yaml.Node) int {
	if n.Kind == yaml.AliasNode {
		if n.Alias == nil || m.open[n.Alias] {
			m.circle = n
			return 0
		}
		size := m.size(n.Alias)
		if size > m.most {
			m.most, m.largest = size, n
		}
		return size
	}
	if size, ok := m.sizes[n]; ok {
		return size
	}
	m.open[n] = true
	size := 1 + len(n.Value)
	for _, child := range n.Content {
		size = min(size+m.size(child), math.MaxInt32) // what is beyond makes no difference
	}
	delete(m.open, n)
	m.sizes[n] = size
	return size
}
