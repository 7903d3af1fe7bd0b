package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// house is what docs/architecture.txt says: rooms in rows, from top to bottom, and the layer
// that each row belongs to.
type house struct {
	rows []floor
	// omitted are rooms, or with a slash at their end folders of rooms, that are not drawn.
	omitted []string
}

// floor is one row of rooms.
type floor struct {
	layer string
	rooms []room
}

// room is a package. One without a name is an empty place in its row.
type room struct{ name, words string }

// arrow leads from a room to one that it imports.
type arrow struct{ from, to string }

// readHouse reads the text of docs/architecture.txt. A line in brackets begins a layer, an
// empty line a row, and a line "room: words" says what a room has.
func readHouse(text string) (*house, error) {
	h := &house{}
	layer, fresh := "", true
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			fresh = true
			continue
		case strings.HasPrefix(line, "#"):
			continue
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			layer, fresh = strings.Trim(line, "[]"), true
			continue
		}
		name, words, ok := strings.Cut(line, ":")
		if omitted, isOmitted := strings.CutPrefix(name, "omit "); isOmitted {
			h.omitted = append(h.omitted, omitted)
			continue
		}
		if line == "." {
			name = ""
		} else if !ok || layer == "" {
			return nil, fmt.Errorf("line %d: want \"room: words\" below a [layer], have %q", i+1, line)
		}
		if fresh {
			h.rows = append(h.rows, floor{layer: layer})
			fresh = false
		}
		last := &h.rows[len(h.rows)-1]
		last.rooms = append(last.rooms, room{name, strings.TrimSpace(words)})
	}
	return h, nil
}

// arrows holds the house against the code: each package has a room, each room is a package,
// and every import leads to a lower row. An arrow that follows from others is left out.
func (h *house) arrows(imports map[string][]string) ([]arrow, error) {
	rowOf := map[string]int{}
	for i, row := range h.rows {
		for _, r := range row.rooms {
			if r.name == "" {
				continue
			}
			if _, ok := imports[r.name]; !ok {
				return nil, fmt.Errorf("there is no package %s", r.name)
			}
			rowOf[r.name] = i
		}
	}
	drawn := map[string][]string{}
	for _, from := range slices.Sorted(maps.Keys(imports)) {
		if h.omits(from) {
			continue
		}
		row, ok := rowOf[from]
		if !ok {
			return nil, fmt.Errorf("there is no line about the package %s", from)
		}
		for _, to := range imports[from] {
			if below, ok := rowOf[to]; ok && below <= row {
				return nil, fmt.Errorf("%s imports %s, which is not in a lower row", from, to)
			}
		}
		drawn[from] = imports[from]
	}
	return reduce(drawn), nil
}

func (h *house) omits(room string) bool {
	return slices.ContainsFunc(h.omitted, func(o string) bool {
		return room == o || strings.HasSuffix(o, "/") && strings.HasPrefix(room, o)
	})
}

// reduce leaves out each arrow whose end can be reached by other arrows.
func reduce(imports map[string][]string) []arrow {
	var reaches func(from, to string) bool
	reaches = func(from, to string) bool {
		return slices.ContainsFunc(imports[from], func(next string) bool { return next == to || reaches(next, to) })
	}
	var arrows []arrow
	for _, from := range slices.Sorted(maps.Keys(imports)) {
		for _, to := range imports[from] {
			if !slices.ContainsFunc(imports[from], func(next string) bool { return next != to && reaches(next, to) }) {
				arrows = append(arrows, arrow{from, to})
			}
		}
	}
	return arrows
}

// roomTable says in words what the picture shows.
func (h *house) roomTable() string {
	var b strings.Builder
	b.WriteString("| layer | package | what it has |\n| --- | --- | --- |\n")
	layer := ""
	for _, row := range h.rows {
		for _, r := range row.rooms {
			if r.name == "" {
				continue
			}
			title := ""
			if row.layer != layer {
				layer, title = row.layer, row.layer
			}
			tableRow(&b, title, "["+r.name+"]("+r.name+")", r.words)
		}
	}
	return b.String()
}

// writeArchitecture writes the picture and the table of rooms.
func writeArchitecture(root string) error {
	source := filepath.Join(root, "docs", "architecture.txt")
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	h, err := readHouse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	known, err := imports(root)
	if err != nil {
		return err
	}
	arrows, err := h.arrows(known)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "architecture.svg"), []byte(draw(h, arrows)), 0o644); err != nil {
		return err
	}
	return replace(filepath.Join(root, "ARCHITECTURE.md"), "rooms", h.roomTable())
}
