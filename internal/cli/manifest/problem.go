package manifest

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Problem is something that cannot be read, and where.
type Problem struct {
	File string
	// Line is 0 where the file as a whole is meant.
	Line    int
	Message string
	// Note is set where nothing is wrong with it in its place: a file in a folder of
	// manifests need not be one.
	Note bool
	// Template is set for a template that is not rendered.
	Template bool
}

// String is "file:line: message".
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
}

// yamlLine is where the YAML library puts the line.
var yamlLine = regexp.MustCompile(`^line (\d+): `)

// fromYAML is what the YAML library says of a document, which may be more than one thing.
func (d *document) fromYAML(err error) []Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if list, ok := strings.CutPrefix(text, "unmarshal errors:\n"); ok {
		text = list
	}
	if unquoted.Match(d.text) {
		return []Problem{d.unrendered()}
	}
	if line := d.missingSeparator(); line > 0 {
		return []Problem{d.problem(line, "not YAML: a second object begins here; write a line with --- before it")}
	}
	var problems []Problem
	for part := range strings.SplitSeq(text, "\n") {
		line := 1
		part = strings.TrimSpace(part)
		if m := yamlLine.FindStringSubmatch(part); m != nil {
			line, _ = strconv.Atoi(m[1])
			part = part[len(m[0]):]
		}
		if strings.HasPrefix(part, "invalid map key") {
			// The library says neither the line nor, in short, what: the key has a value
			// in it, which may be anything.
			line, part = d.keyWithFields(), "a list or an object stands where a key should (a template? render it first, as with: helm template)"
		}
		problems = append(problems, d.problem(line, "not YAML: "+explain(part)))
	}
	return problems
}

// unrendered is said of a template. In a folder it stands for good reasons: those of a chart.
func (d *document) unrendered() Problem {
	return Problem{
		File: d.file, Line: d.lineAt(d.firstTemplate()), Note: !d.named, Template: true,
		Message: "a template that is not rendered; render it first, as with: helm template, or --helm CHART",
	}
}

// unquoted is a template where YAML is no YAML any more: as a value, or on a line of its own.
var unquoted = regexp.MustCompile(`(?m)^\s*(?:- )?\{\{|:\s+\{\{`)

// firstTemplate is the line of the first template in the document, from 1.
func (d *document) firstTemplate() int {
	at := bytes.Index(d.text, []byte("{{"))
	return 1 + bytes.Count(d.text[:max(at, 0)], []byte("\n"))
}

// missingSeparator is the line where apiVersion or kind stands a second time at the left edge, or 0.
func (d *document) missingSeparator() int {
	seen := map[string]int{}
	first, number := 0, 0
	for line := range strings.Lines(string(d.text)) {
		number++
		for _, key := range []string{"apiVersion:", "kind:"} {
			if strings.HasPrefix(line, key) {
				if seen[key]++; seen[key] == 2 && first == 0 {
					first = number
				}
			}
		}
	}
	if seen["apiVersion:"] > 1 && seen["kind:"] > 1 {
		return first
	}
	return 0
}

// explain adds to the library's complaints what usually causes them.
func explain(complaint string) string {
	switch {
	case strings.Contains(complaint, "found character that cannot start any token"):
		return complaint + " (a tab? YAML is indented by spaces)"
	case strings.HasPrefix(complaint, "key ") && strings.HasSuffix(complaint, " already set in map"):
		return "the " + strings.TrimSuffix(complaint, " already set in map") + " appears twice"
	}
	return complaint
}

// problem is one at a line of the document, whose first is 1.
func (d *document) problem(line int, message string) Problem {
	return Problem{File: d.file, Line: d.lineAt(line), Message: message}
}
