// Package preview makes of manifests what akv-injector makes of them at admission, and
// shows it.
package preview

import "strings"

// ANSI sequences, those of git diff.
const (
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	green = "\x1b[32m"
	cyan  = "\x1b[36m"
	reset = "\x1b[m"
)

// Paint colours the lines of a unified diff.
func Paint(diff string, colour bool) string {
	if !colour {
		return diff
	}
	var b strings.Builder
	head := true // what begins with --- in a hunk is a line that goes
	for line := range strings.Lines(diff) {
		text := strings.TrimSuffix(line, "\n")
		paint := ""
		switch {
		case strings.HasPrefix(line, "@@"):
			paint, head = cyan, false
		case head:
			paint = bold
		case strings.HasPrefix(line, "-"):
			paint = red
		case strings.HasPrefix(line, "+"):
			paint = green
		}
		if paint != "" {
			text = paint + text + reset
		}
		b.WriteString(text + line[len(strings.TrimSuffix(line, "\n")):])
	}
	return b.String()
}
