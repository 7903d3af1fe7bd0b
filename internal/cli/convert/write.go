package convert

import (
	"errors"
	"fmt"
	"slices"

	yaml "go.yaml.in/yaml/v3"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/manifest"
)

// Document is one document of the input and what it becomes.
type Document struct {
	manifest.Document
	// After is the text that it becomes. It is nil for one that goes.
	After []byte
	// Changed is set if After is another text.
	Changed bool
}

// checkAnchors leaves documents alone in which one text stands for two places.
func (c *conversion) checkAnchors() {
	if c.object.Document().IsJSON() {
		return
	}
	if tree := c.in.tree(c.object.Document()); tree.err == nil && tree.aliases {
		c.fail(nil, "The document has YAML anchors, so that a change in one place would be one in another.",
			"Write the values out in each place, and convert again.")
	}
}

// tree is a document's, parsed once: a list of thousands of objects is one.
type tree struct {
	root    *yaml.Node
	err     error
	aliases bool
}

func (in *input) tree(d manifest.Document) *tree {
	if t, ok := in.trees[d]; ok {
		return t
	}
	t := &tree{}
	if t.root, t.err = parse(d); t.err == nil {
		t.aliases = hasAlias(t.root)
	}
	if in.trees == nil {
		in.trees = map[manifest.Document]*tree{}
	}
	in.trees[d] = t
	return t
}

func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAlias)
}

func parse(d manifest.Document) (*yaml.Node, error) {
	if d.IsJSON() {
		return readJSON(d.Text())
	}
	var n yaml.Node
	if err := yaml.Unmarshal(d.Text(), &n); err != nil {
		return nil, err
	}
	if n.Kind != yaml.DocumentNode || len(n.Content) != 1 {
		return nil, errors.New("an empty document")
	}
	return n.Content[0], nil
}

// write makes the texts of all documents.
func (r *Result) write(in *input, work map[*manifest.Object]*conversion) error {
	var order []manifest.Document
	changes := map[manifest.Document][]*manifest.Object{}
	dropped := map[*manifest.Object]bool{}
	for _, o := range r.Dropped {
		dropped[o] = true
	}
	for _, o := range in.set.Objects {
		d := o.Document()
		if !slices.Contains(order[max(0, len(order)-1):], d) { // objects of one document stand together
			order = append(order, d)
		}
		if work[o] != nil || dropped[o] {
			changes[d] = append(changes[d], o)
		}
	}
	for _, d := range order {
		document := Document{Document: d, After: d.Text()}
		if len(changes[d]) > 0 {
			after, err := rewrite(in.tree(d), d, changes[d], work)
			if err != nil {
				return fmt.Errorf("%s:%d: %w", d.File(), d.First(), err)
			}
			document.After, document.Changed = after, true
		}
		r.Documents = append(r.Documents, document)
	}
	return nil
}

// rewrite changes the objects of one document. It is nil if nothing is left of it.
func rewrite(t *tree, d manifest.Document, objects []*manifest.Object, work map[*manifest.Object]*conversion) ([]byte, error) {
	root := t.root
	if t.err != nil {
		return nil, t.err
	}
	e := newEditor(d.Text(), root)
	var gone []*yaml.Node
	for _, o := range objects {
		n := root
		for _, i := range o.ListIndexes() {
			items := get(n, "items")
			if items == nil || i >= len(items.Content) {
				return nil, errors.New("the list has changed")
			}
			n = items.Content[i]
		}
		if c := work[o]; c != nil {
			c.edit(e, n)
		} else {
			gone = append(gone, n)
		}
	}
	if slices.Contains(gone, root) {
		return nil, nil
	}
	// Only when the indexes are no longer needed.
	if len(gone) > 0 && e.removeFromLists(root, gone) {
		return nil, nil
	}
	if d.IsJSON() {
		return writeJSON(root), nil
	}
	return e.text()
}

// removeFromLists takes objects out of the lists around them, and reports whether nothing is
// left.
func (e *editor) removeFromLists(n *yaml.Node, gone []*yaml.Node) (empty bool) {
	items := get(n, "items")
	if items == nil {
		return false
	}
	isGone := func(item *yaml.Node) bool {
		return slices.Contains(gone, item) || get(item, "items") != nil && e.removeFromLists(item, gone)
	}
	left := false
	for _, item := range items.Content {
		if isGone(item) {
			gone = append(gone, item)
		} else {
			left = true
		}
	}
	if !left {
		return true
	}
	e.removeItems(n, "items", func(item *yaml.Node) bool { return slices.Contains(gone, item) })
	return false
}

// edit makes the changes of one workload in its node.
func (c *conversion) edit(e *editor, object *yaml.Node) {
	template := object
	for _, step := range c.target.Path.Steps() {
		if step.Kind != finding.Element {
			template = get(template, step.Name)
		} else if template != nil && step.Index < len(template.Content) {
			template = template.Content[step.Index]
		}
	}
	spec := get(template, "spec")
	names := map[string]bool{}
	for _, v := range c.volumes {
		names[v.name] = true
	}
	named := func(n *yaml.Node) bool {
		name := get(n, "name")
		return name != nil && names[name.Value]
	}
	e.removeItems(spec, "volumes", named)
	for _, list := range []string{"initContainers", "containers"} {
		containers := get(spec, list)
		if containers == nil {
			continue
		}
		for _, container := range containers.Content {
			e.removeItems(container, "volumeMounts", named)
		}
	}
	c.editMetadata(e, template)
}

func (c *conversion) editMetadata(e *editor, template *yaml.Node) {
	annotations := stringMap(c.order(), c.write)
	under := func(key string, value *yaml.Node) *yaml.Node {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value,
		}}
	}
	metadata := get(template, "metadata")
	if metadata == nil || metadata.Kind != yaml.MappingNode {
		e.removeKey(template, "metadata") // null
		e.setFirst(template, under("metadata", under("annotations", annotations)))
		return
	}
	had := get(metadata, "annotations")
	if had != nil && had.Kind == yaml.MappingNode {
		e.setKeys(had, annotations)
	} else {
		e.removeKey(metadata, "annotations") // null
		e.setKeys(metadata, under("annotations", annotations))
	}
	if c.keepLabel {
		return
	}
	if labels := get(metadata, "labels"); labels != nil {
		if len(labels.Content) == 2 && keyIndex(labels, provider.LabelUseWorkloadIdentity) == 0 {
			e.removeKey(metadata, "labels")
		} else {
			e.removeKey(labels, provider.LabelUseWorkloadIdentity)
		}
	}
}

// order puts the vault and its objects first.
func (c *conversion) order() []string {
	keys := sortedKeys(c.write)
	first := []string{annotation.Vault, annotation.Objects}
	keys = slices.DeleteFunc(keys, func(k string) bool { return slices.Contains(first, k) })
	return append(first, keys...)
}
