package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// document is one text that holds one object or one list of them.
type document struct {
	file string
	// named is set if the file was named itself.
	named bool
	// rendered is set for a text that stands in no file.
	rendered bool
	// first and last of its lines in the file, from 1.
	first, last int
	text        []byte
	isJSON      bool

	// The nodes are there for positions only, and most documents need none.
	nodesOnce sync.Once
	nodes     *yaml.Node
	nodesErr  error
}

// lineAt is the line in the file of one in the document, whose first is 1. The library
// takes more characters for the end of a line than editors do, so it may count too many.
func (d *document) lineAt(line int) int {
	return max(d.first, min(d.last, d.first+line-1))
}

const separator = "---"

// split cuts a file into documents: at lines that begin with --- (the API machinery's
// YAMLReader), and where JSON stands, behind each value.
func split(file string, named bool, text []byte) (documents []*document, problems []Problem) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // the byte order mark of UTF-8
	if line := notText(text); line > 0 {
		return nil, []Problem{{File: file, Line: line, Message: "not text in UTF-8; save the file as UTF-8"}}
	}
	add := func(part []byte, first int) {
		found, wrong := splitJSON(&document{file: file, named: named, first: first, text: part})
		documents = append(documents, found...)
		problems = append(problems, wrong...)
	}
	line, first, begin, at := 0, 1, 0, 0
	for at < len(text) {
		line++
		end := len(text)
		if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if rest, ok := bytes.CutPrefix(text[at:end], []byte(separator)); ok {
			rest = bytes.TrimSpace(rest)
			if len(rest) > 0 && rest[0] != '#' {
				problems = append(problems, Problem{
					File: file, Line: line,
					Message: "only a comment may stand behind ---; begin the document on the next line",
				})
			}
			add(text[begin:at], first)
			begin, first = end, line+1
		}
		at = end
	}
	add(text[begin:], first)
	return documents, problems
}

// notText is the line of the first thing in a file that no text has, or 0.
func notText(text []byte) int {
	bad := bytes.IndexByte(text, 0)
	if !utf8.Valid(text) {
		at := 0
		for at < len(text) {
			r, size := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		if bad < 0 || at < bad {
			bad = at
		}
	}
	if bad < 0 {
		return 0
	}
	return 1 + bytes.Count(text[:bad], []byte("\n"))
}

// splitJSON cuts text that begins with { into its values, and leaves other text whole.
// Text with a brace before it may be YAML as well.
func splitJSON(d *document) ([]*document, []Problem) {
	d.last = d.first + bytes.Count(bytes.TrimRight(d.text, "\r\n"), []byte("\n"))
	trimmed := bytes.TrimSpace(d.text)
	if len(trimmed) == 0 {
		return nil, nil
	}
	if trimmed[0] != '{' {
		return []*document{d}, nil
	}
	var values []*document
	decoder := json.NewDecoder(bytes.NewReader(d.text))
	for {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			if len(values) == 0 {
				return []*document{d}, nil
			}
			at := len(bytes.TrimSpace(d.text)) // where it ends too early
			if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
				at = min(len(d.text), int(syntax.Offset))
			}
			line := 1 + bytes.Count(d.text[:at], []byte("\n"))
			return values, []Problem{d.problem(line, "not JSON: "+err.Error())}
		}
		end := int(decoder.InputOffset())
		begin := end - len(raw)
		first := d.first + bytes.Count(d.text[:begin], []byte("\n"))
		values = append(values, &document{
			file: d.file, named: d.named, isJSON: true, text: raw,
			first: first, last: first + bytes.Count(raw, []byte("\n")),
		})
	}
}
