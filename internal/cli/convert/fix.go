package convert

import (
	"fmt"
	"path"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/internal/cli/manifest"
)

// Repair is a finding of a rule that says how a program puts it right.
type Repair struct {
	Object *manifest.Object
	Place  *finding.Place
	Rule   *inject.Rule
}

// Repaired is what was done about a finding.
type Repaired struct {
	Repair
	// Done says what was changed; empty if nothing was.
	Done string
	// Why nothing was changed.
	Why string
}

// Fix makes the changes that cannot be wrong. A subPath goes only where the file keeps its path and the folder is one
// in which images have nothing of their own.
func Fix(set *manifest.Set, repairs []Repair) (*Result, []Repaired, error) {
	in := &input{set: set}
	r := &Result{}
	var done []Repaired
	byDocument := map[manifest.Document][]Repair{}
	for _, one := range repairs {
		d := one.Object.Document()
		byDocument[d] = append(byDocument[d], one)
	}
	seen := map[manifest.Document]bool{}
	for _, o := range set.Objects {
		d := o.Document()
		if seen[d] {
			continue
		}
		seen[d] = true
		document := Document{Document: d, After: d.Text()}
		if wanted := byDocument[d]; len(wanted) > 0 {
			after, what, err := repair(in.tree(d), d, wanted)
			if err != nil {
				return nil, nil, fmt.Errorf("%s:%d: %w", d.File(), d.First(), err)
			}
			done = append(done, what...)
			if after != nil {
				document.After, document.Changed = after, true
			}
		}
		r.Documents = append(r.Documents, document)
	}
	return r, done, nil
}

// repair changes one document. It is nil if nothing was changed.
func repair(t *tree, d manifest.Document, wanted []Repair) ([]byte, []Repaired, error) {
	if t.err != nil {
		return nil, nil, t.err
	}
	var all []Repaired
	if t.aliases && !d.IsJSON() {
		for _, one := range wanted {
			all = append(all, Repaired{Repair: one, Why: "the document has YAML anchors"})
		}
		return nil, all, nil
	}
	e := newEditor(d.Text(), t.root)
	changed := false
	for _, one := range wanted {
		what := Repaired{Repair: one}
		what.Done, what.Why = e.repair(t.root, one)
		changed = changed || what.Done != ""
		all = append(all, what)
	}
	if !changed {
		return nil, all, nil
	}
	if d.IsJSON() {
		return writeJSON(t.root), all, nil
	}
	text, err := e.text()
	return text, all, err
}

func (e *editor) repair(root *yaml.Node, one Repair) (done, why string) {
	steps := one.Place.Steps()
	if len(steps) == 0 {
		return "", "it is not found"
	}
	object := root
	for _, i := range one.Object.ListIndexes() {
		object = element(get(object, "items"), i)
	}
	n := along(object, steps[:len(steps)-1])
	if n == nil || n.Kind != yaml.MappingNode {
		return "", "it is not found"
	}
	switch one.Rule.Repair {
	case finding.SetTrue:
		name := steps[len(steps)-1].Name
		e.setScalar(n, name, "true", "!!bool")
		return "set " + name + ": true", ""
	case finding.MountFolder:
		return e.repairSubPath(n, along(object, steps[:len(steps)-2]))
	}
	return "", "nobody but you knows what is meant"
}

// along is what stands at a place below a node, or nil.
func along(n *yaml.Node, steps []finding.Step) *yaml.Node {
	for _, step := range steps {
		if step.Kind == finding.Element {
			n = element(n, step.Index)
		} else {
			n = get(n, step.Name)
		}
	}
	return n
}

func element(list *yaml.Node, i int) *yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode || i >= len(list.Content) {
		return nil
	}
	return list.Content[i]
}

// roots are the folders below which images have nothing of their own, by convention.
var roots = []string{"/mnt/", "/secrets/", "/run/secrets/", "/var/run/secrets/"}

// repairSubPath mounts the folder in which the file stands, where the file is called as before. The others are all
// mounts of the container.
func (e *editor) repairSubPath(mount, others *yaml.Node) (done, why string) {
	value := func(key string) string {
		if n := get(mount, key); n != nil {
			return n.Value
		}
		return ""
	}
	at, file := path.Clean(value("mountPath")), value("subPath")
	folder := path.Dir(at)
	switch {
	case file == "" || path.Base(at) != file || strings.Contains(file, "/"):
		return "", "the file would have another path"
	case !slices.ContainsFunc(roots, func(r string) bool { return strings.HasPrefix(folder+"/", r) && folder+"/" != r }):
		return "", "the whole folder " + folder + " would be hidden, and the image may have files of its own there"
	}
	if others == nil || others.Kind != yaml.SequenceNode {
		return "", "it is not found"
	}
	for _, other := range others.Content {
		p := get(other, "mountPath")
		if other == mount || p == nil {
			continue
		}
		if clean := path.Clean(p.Value); clean == folder || strings.HasPrefix(clean, folder+"/") {
			return "", "something else is mounted in " + folder
		}
	}
	e.setScalar(mount, "mountPath", folder, "!!str")
	e.removeKey(mount, "subPath")
	return fmt.Sprintf("mounted the folder %s instead of its file %s", folder, file), ""
}

// setScalar gives a key of a mapping a plain value, in its line if it has one.
func (e *editor) setScalar(m *yaml.Node, key, value, tag string) {
	i := keyIndex(m, key)
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
	if i < 0 {
		e.setKeys(m, &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, node}})
		return
	}
	old := m.Content[i+1]
	line := old.Line - 1
	if old.Kind == yaml.ScalarNode && line >= 0 && line < len(e.lines) {
		text := e.lines[line]
		from := old.Column - 1
		for _, raw := range []string{old.Value, `"` + old.Value + `"`, "'" + old.Value + "'"} {
			if raw != "" && from >= 0 && from <= len(text) && strings.HasPrefix(text[from:], raw) {
				e.lines[line] = text[:from] + value + text[from+len(raw):]
				m.Content[i+1] = node
				return
			}
		}
	}
	e.treeOnly = true
	m.Content[i+1] = node
}
