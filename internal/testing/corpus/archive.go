package corpus

import (
	"bytes"
	"fmt"
	"strings"
)

// archive is a file in the txtar format of the go command: text, then parts that each begin
// with a line "-- name --".
type archive struct {
	comment []byte
	parts   []part
}

type part struct {
	name string
	text []byte
}

// parseArchive reads an archive. Two parts of one name are an error.
func parseArchive(text []byte) (*archive, error) {
	a := &archive{}
	current := &a.comment
	for line := range bytes.Lines(text) {
		name, ok := partName(line)
		if !ok {
			*current = append(*current, line...)
			continue
		}
		if a.find(name) != nil {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		a.parts = append(a.parts, part{name: name, text: []byte{}})
		current = &a.parts[len(a.parts)-1].text
	}
	return a, nil
}

func partName(line []byte) (string, bool) {
	inner, begins := strings.CutPrefix(strings.TrimRight(string(line), "\r\n"), "-- ")
	name, ends := strings.CutSuffix(inner, " --")
	return strings.TrimSpace(name), begins && ends && strings.TrimSpace(name) != ""
}

func (a *archive) find(name string) *part {
	for i := range a.parts {
		if a.parts[i].name == name {
			return &a.parts[i]
		}
	}
	return nil
}

// format writes the archive. Each part ends with its line.
func (a *archive) format() []byte {
	b := bytes.Clone(a.comment)
	for _, p := range a.parts {
		b = fmt.Appendf(b, "-- %s --\n", p.name)
		b = append(b, p.text...)
		if len(p.text) > 0 && p.text[len(p.text)-1] != '\n' {
			b = append(b, '\n')
		}
	}
	return b
}
