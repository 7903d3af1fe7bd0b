package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// metric is one that the code makes.
type metric struct {
	name, kind, help string
	labels           []string
}

// writeMetrics writes docs/metrics.md from the calls that make metrics.
func writeMetrics(root string) error {
	all, err := metrics(root)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("| metric | type | labels | |\n| --- | --- | --- | --- |\n")
	for _, m := range all {
		labels := make([]string, len(m.labels))
		for i, l := range m.labels {
			labels[i] = "`" + l + "`"
		}
		tableRow(&b, "`"+m.name+"`", m.kind, strings.Join(labels, ", "), strings.ReplaceAll(m.help, "|", `\|`))
	}
	return replace(filepath.Join(root, "docs", "metrics.md"), "metrics", b.String())
}

// metrics are those of the whole module, by their names.
func metrics(root string) ([]metric, error) {
	var all []metric
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skip(root, file)
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		var failed error
		ast.Inspect(parsed, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && failed == nil {
				m, err := metricOf(call)
				if failed = err; err == nil && m.name != "" {
					all = append(all, m)
				}
			}
			return failed == nil
		})
		if failed != nil {
			return fmt.Errorf("%s: %w", file, failed)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b metric) int { return strings.Compare(a.name, b.name) })
	return all, err
}

// metricOf is the metric that a call makes, such as prometheus.NewCounterVec; one without a name if it makes none.
func metricOf(call *ast.CallExpr) (m metric, err error) {
	made, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return m, nil
	}
	from, ok := made.X.(*ast.Ident)
	kind, isNew := strings.CutPrefix(made.Sel.Name, "New")
	if !ok || from.Name != "prometheus" || !isNew {
		return m, nil
	}
	options, ok := call.Args[0].(*ast.CompositeLit)
	if !ok {
		return m, nil
	}
	m.kind = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(kind, "Vec"), "Func"))
	if err := m.read(options); err != nil {
		return m, err
	}
	if labels, ok := call.Args[len(call.Args)-1].(*ast.CompositeLit); ok && len(call.Args) > 1 {
		if err := m.addLabels(labels.Elts); err != nil {
			return m, err
		}
	}
	if m.name == "" || m.help == "" {
		return m, errors.New("a metric has no name or no help")
	}
	return m, nil
}

// read reads a metric's options.
func (m *metric) read(options *ast.CompositeLit) (err error) {
	for _, element := range options.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return errors.New("a metric's options have no names")
		}
		switch key, _ := pair.Key.(*ast.Ident); key.Name {
		case "Name":
			m.name, err = textOf(pair.Value)
		case "Help":
			m.help, err = textOf(pair.Value)
		case "ConstLabels":
			labels, ok := pair.Value.(*ast.CompositeLit)
			if !ok {
				return errors.New("a metric's labels are not written out")
			}
			err = m.addLabels(labels.Elts)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addLabels adds labels, or the keys of pairs.
func (m *metric) addLabels(labels []ast.Expr) error {
	for _, label := range labels {
		if pair, ok := label.(*ast.KeyValueExpr); ok {
			label = pair.Key
		}
		text, err := textOf(label)
		if err != nil {
			return err
		}
		m.labels = append(m.labels, text)
	}
	return nil
}

// textOf is a text that is written out, in parts or not.
func textOf(e ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(e.Value)
	case *ast.BinaryExpr:
		left, err := textOf(e.X)
		if err != nil {
			return "", err
		}
		right, err := textOf(e.Y)
		return left + right, err
	}
	return "", errors.New("a metric's name, help or label is not written out")
}
