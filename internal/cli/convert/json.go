package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// readJSON reads JSON into nodes, which keep the order of its keys. A YAML parser would
// read most of JSON, but not all of it.
func readJSON(text []byte) (*yaml.Node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return jsonValue(d)
}

func jsonValue(d *json.Decoder) (*yaml.Node, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if t == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		for d.More() {
			// A key is read as a value is; only its place distinguishes it.
			child, err := jsonValue(d)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err := d.Token() // the bracket that closes it
		return n, err
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t}, nil
	default: // a number, true, false, null
		word := fmt.Sprint(t)
		if t == nil {
			word = "null"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!word", Value: word}, nil
	}
}

// writeJSON writes nodes as readJSON reads them, for people too.
func writeJSON(n *yaml.Node) []byte {
	var b bytes.Buffer
	jsonText(&b, n, "\n")
	b.WriteByte('\n')
	return b.Bytes()
}

func jsonText(b *bytes.Buffer, n *yaml.Node, line string) {
	quote := func(s string) {
		var quoted strings.Builder
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(s); err != nil {
			panic(err) // a string is always JSON
		}
		b.WriteString(strings.TrimSuffix(quoted.String(), "\n"))
	}
	open, closing, step := "[", "]", 1
	switch n.Kind {
	case yaml.MappingNode:
		open, closing, step = "{", "}", 2
	case yaml.SequenceNode:
	default:
		if n.Tag == "!!word" {
			b.WriteString(n.Value)
		} else {
			quote(n.Value)
		}
		return
	}
	b.WriteString(open)
	for i := 0; i < len(n.Content); i += step {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(line + "  ")
		if step == 2 {
			quote(n.Content[i].Value)
			b.WriteString(": ")
		}
		jsonText(b, n.Content[i+step-1], line+"  ")
	}
	if len(n.Content) > 0 {
		b.WriteString(line)
	}
	b.WriteString(closing)
}
