package lint

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"akv-injector/inject"
	"akv-injector/inject/finding"
)

// Escape sequences of a terminal.
const (
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	plain  = "\x1b[0m"
)

// WriteText writes the findings for people, and for editors that jump to file:line.
func (r *Report) WriteText(w io.Writer, colour bool) error {
	paint := func(code, text string) string {
		if !colour {
			return text
		}
		return code + text + plain
	}
	b := bufio.NewWriter(w)
	for _, f := range r.Findings {
		code := red
		if f.Severity == finding.Warning {
			code = yellow
		}
		fmt.Fprintf(b, "%s: %s %s %s: %s: %s\n",
			paint(bold, fmt.Sprintf("%s:%d", Printable(f.File), f.Line)), paint(code, string(f.Severity)),
			RuleTitle(f.Rule), Printable(f.Kind+"/"+f.Name), Printable(f.Field), Printable(f.Message))
		if f.Fix != "" {
			fmt.Fprintf(b, "    Fix: %s\n", Printable(f.Fix))
		}
		if len(f.Workloads) > 0 {
			fmt.Fprintf(b, "    Mounted by: %s\n", Printable(Few(f.Workloads)))
		}
	}
	return b.Flush()
}

// Few names the first of a list.
func Few(names []string) string {
	const most = 5
	if more := len(names) - most; more > 0 {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// RuleTitle is a rule's id and name.
func RuleTitle(id string) string {
	if rule := inject.RuleByID(id); rule != nil {
		return id + " " + rule.Name
	}
	return id
}

// printable keeps what others wrote from writing on a terminal by itself.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// WriteProblems writes what could not be read, and notes on what was passed over.
func (r *Report) WriteProblems(w io.Writer) {
	for _, p := range r.Problems {
		if p.Note {
			p.Message = "passed over: " + p.Message
		}
		fmt.Fprintln(w, Printable(p.String()))
	}
}

// Summary is one line of what was read and found.
func (r *Report) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s: %d of %s in %s checked",
		count(r.Count(finding.Error), "error"), count(r.Count(finding.Warning), "warning"),
		r.Checked, count(r.Objects, "object"), cmp.Or(r.Source, count(r.Files, "file")))
	if len(r.ByShape) > 0 {
		shapes := make([]string, 0, len(r.ByShape))
		for _, shape := range slices.Sorted(maps.Keys(r.ByShape)) {
			shapes = append(shapes, fmt.Sprintf("%d %s", r.ByShape[shape], Printable(shape)))
		}
		fmt.Fprintf(&b, "; by what they look like: %s", Few(shapes))
	}
	if len(r.Passed) > 0 {
		kinds := make([]string, 0, len(r.Passed))
		for _, kind := range slices.Sorted(maps.Keys(r.Passed)) {
			kinds = append(kinds, fmt.Sprintf("%d %s", r.Passed[kind], Printable(kind)))
		}
		const most = 8
		if more := len(kinds) - most; more > 0 {
			kinds = append(kinds[:most], fmt.Sprintf("%s more", count(more, "kind")))
		}
		fmt.Fprintf(&b, "; of other kinds: %s", strings.Join(kinds, ", "))
	}
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// WriteJSON writes the findings as an array, for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r.Findings)
}
