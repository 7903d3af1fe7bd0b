package manifest_test

import (
	"strconv"
	"strings"

	"akv-injector/inject/finding"
)

// placeOf reads a path as a Place writes it. A key in brackets may hold dots, and brackets
// in pairs.
func placeOf(path string) *finding.Place {
	var p *finding.Place
	for path != "" {
		if inner, ok := strings.CutPrefix(path, "["); ok {
			key, rest := balanced(inner)
			if i, err := strconv.Atoi(key); err == nil {
				p = p.Index(i)
			} else {
				p = p.Key(key)
			}
			path = rest
			continue
		}
		path = strings.TrimPrefix(path, ".")
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		if end > 0 {
			p = p.Child(path[:end])
		}
		path = path[end:]
	}
	return p
}

// balanced cuts a path behind the bracket that closes the one before it.
func balanced(path string) (key, rest string) {
	depth := 1
	for i, r := range path {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth == 0 {
			return path[:i], path[i+1:]
		}
	}
	return path, ""
}
