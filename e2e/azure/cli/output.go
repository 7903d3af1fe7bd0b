package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/jmespath/go-jmespath"
)

func (s *invocation) checkOutput() error {
	switch s.output {
	case "json", "tsv", "table", "none":
	default:
		return usagef("argument --output/-o: %q is none of json, tsv, table, none", s.output)
	}
	if s.query != "" {
		if _, err := jmespath.Compile(s.query); err != nil {
			return usagef("argument --query: invalid jmespath_type value: %q: %s", s.query, err)
		}
	}
	return nil
}

// print writes a result as --query and --output say.
func (s *invocation) print(result any) error {
	encoded, err := json.Marshal(result)
	if err != nil {
		return err
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	if s.query != "" {
		if value, err = jmespath.Search(s.query, value); err != nil {
			return fmt.Errorf("--query %s: %w", s.query, err)
		}
		if value == nil {
			return nil // as az: nothing is printed where nothing is found
		}
	}
	switch s.output {
	case "tsv":
		writeTSV(s.stdout, value)
		return nil
	case "table":
		return writeTable(s.stdout, value)
	case "none":
		return nil
	}
	out := json.NewEncoder(s.stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(value)
}

// writeTSV writes a line for each element of a list, else one.
func writeTSV(w io.Writer, value any) {
	rows, ok := value.([]any)
	if !ok {
		rows = []any{value}
	}
	for _, row := range rows {
		var cells []string
		switch row := row.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(row)) {
				cells = append(cells, cell(row[key]))
			}
		case []any:
			for _, element := range row {
				cells = append(cells, cell(element))
			}
		default:
			cells = []string{cell(row)}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
}

// cell is a value in one word; of what has parts, az tells how many.
func cell(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case []any:
		return fmt.Sprint(len(value))
	case map[string]any:
		return fmt.Sprint(len(value))
	default:
		return fmt.Sprint(value)
	}
}

// writeTable writes what has no parts, a row for each element of a list.
func writeTable(w io.Writer, value any) error {
	rows, ok := value.([]any)
	if !ok {
		rows = []any{value}
	}
	columns := map[string]bool{}
	for _, row := range rows {
		if row, ok := row.(map[string]any); ok {
			for key, value := range row {
				switch value.(type) {
				case nil, []any, map[string]any:
				default:
					columns[key] = true
				}
			}
		}
	}
	if len(columns) == 0 {
		writeTSV(w, value)
		return nil
	}
	keys := slices.Sorted(maps.Keys(columns))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	titles, lines := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		titles[i] = strings.ToUpper(key[:1]) + key[1:]
		lines[i] = strings.Repeat("-", len(key))
	}
	fmt.Fprintln(table, strings.Join(titles, "\t"))
	fmt.Fprintln(table, strings.Join(lines, "\t"))
	for _, row := range rows {
		cells := make([]string, len(keys))
		if row, ok := row.(map[string]any); ok {
			for i, key := range keys {
				cells[i] = cell(row[key])
			}
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}
