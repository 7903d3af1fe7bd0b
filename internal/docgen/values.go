package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// writeValues writes docs/values.md from the chart's values.
func writeValues(root string) error {
	text, err := os.ReadFile(filepath.Join(root, "deploy", "chart", "akv-injector", "values.yaml"))
	if err != nil {
		return err
	}
	table, err := valuesTable(text)
	if err != nil {
		return fmt.Errorf("values.yaml: %w", err)
	}
	return replace(filepath.Join(root, "docs", "values.md"), "values", table)
}

// valuesTable is a row for each value that has a description: a comment that begins with "--". A comment without is for those who read the file.
func valuesTable(text []byte) (string, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		return "", err
	}
	if len(file.Content) != 1 || file.Content[0].Kind != yaml.MappingNode {
		return "", errors.New("no mapping")
	}
	var b strings.Builder
	b.WriteString("| value | default | |\n| --- | --- | --- |\n")
	if err := valueRows(&b, "", file.Content[0]); err != nil {
		return "", err
	}
	return b.String(), nil
}

func valueRows(b *strings.Builder, path string, of *yaml.Node) error {
	for i := 0; i+1 < len(of.Content); i += 2 {
		key, value := of.Content[i], of.Content[i+1]
		name := strings.TrimPrefix(path+"."+key.Value, ".")
		says, shown := describe(key.HeadComment)
		switch {
		case says == "" && value.Kind == yaml.MappingNode && len(value.Content) > 0:
			if err := valueRows(b, name, value); err != nil {
				return err
			}
		case says == "":
			return fmt.Errorf("%s has no description (a comment that begins with --)", name)
		default:
			if shown == "" {
				var err error
				if shown, err = defaultOf(value); err != nil {
					return err
				}
			}
			tableRow(b, "`"+name+"`", shown, strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(says))
		}
	}
	return nil
}

// describe reads a comment: what it says after "--", in a line, and the default that it names.
func describe(comment string) (says, shown string) {
	began := false
	var words []string
	for line := range strings.Lines(comment) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#"))
		if after, ok := strings.CutPrefix(line, "@default -- "); ok {
			shown = after
			continue
		}
		if after, ok := strings.CutPrefix(line, "--"); ok {
			began, line = true, strings.TrimSpace(after)
		}
		if began && line != "" {
			words = append(words, line)
		}
	}
	return strings.Join(words, " "), shown
}

func defaultOf(value *yaml.Node) (string, error) {
	var v any
	if err := value.Decode(&v); err != nil {
		return "", err
	}
	switch v {
	case nil, "":
		return "none", nil
	}
	encoded, err := json.Marshal(v)
	switch {
	case err != nil:
		return "", err
	case string(encoded) == "{}", string(encoded) == "[]":
		return "none", nil
	case value.Kind == yaml.ScalarNode:
		return "`" + value.Value + "`", nil
	}
	return "`" + string(encoded) + "`", nil
}
