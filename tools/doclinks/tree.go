package main

import (
	"bytes"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strconv"
)

// tree is what may be linked to.
type tree struct {
	fsys      fs.FS
	files     map[string]bool
	folders   map[string]bool
	documents map[string]*document // those read so far
}

func (t *tree) add(file string) {
	t.files[file] = true
	for dir := path.Dir(file); !t.folders[dir]; dir = path.Dir(dir) {
		t.folders[dir] = true
	}
}

func isDocument(name string) bool { return path.Ext(name) == ".md" }

func (t *tree) document(name string) (*document, error) {
	if doc, ok := t.documents[name]; ok {
		return doc, nil
	}
	source, err := fs.ReadFile(t.fsys, name)
	if err != nil {
		return nil, err
	}
	doc := parse(source)
	t.documents[name] = doc
	return doc, nil
}

// check says what is wrong with a link in a document, or nothing.
func (t *tree) check(from, to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return "not an address"
	}
	switch u.Scheme {
	case "":
	case "http", "https":
		if u.Hostname() == "" || u.User != nil {
			return "not an address"
		}
		return ""
	case "mailto":
		return ""
	default:
		return "links are relative, https or mailto"
	}
	if u.Host != "" || path.IsAbs(u.Path) {
		return "not relative: it depends on where the document is shown"
	}
	target := from
	if u.Path != "" {
		target = path.Join(path.Dir(from), u.Path)
	}
	switch {
	case t.folders[target] && u.Fragment == "":
		return ""
	case t.folders[target]:
		return "a folder has no headings"
	case !t.files[target]:
		return "no such file"
	case u.Fragment == "":
		return ""
	}
	return t.checkFragment(target, u.Fragment)
}

// lines is how GitHub names lines of a file that is not a document.
var lines = regexp.MustCompile(`^L([1-9][0-9]*)(?:-L([1-9][0-9]*))?$`)

func (t *tree) checkFragment(file, fragment string) string {
	if isDocument(file) {
		doc, err := t.document(file)
		if err != nil {
			return err.Error()
		}
		if !doc.anchors[fragment] {
			return "no such heading"
		}
		return ""
	}
	m := lines.FindStringSubmatch(fragment)
	if m == nil {
		return "not a line, such as L7 or L7-L9"
	}
	source, err := fs.ReadFile(t.fsys, file)
	if err != nil {
		return err.Error()
	}
	for _, number := range m[1:] {
		if line, _ := strconv.Atoi(number); line > bytes.Count(source, []byte("\n")) {
			return "no such line"
		}
	}
	return ""
}
