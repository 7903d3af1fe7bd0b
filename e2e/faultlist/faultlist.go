// Package faultlist keeps docs/faults.md: the faults that tests make, what kubectl akv doctor says of each, and what mends it.
// A test hands in its rows when it has run them all. They have to be those of the document; with AKV_WRITE_FAULTS=1 they
// are written to it.
package faultlist

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Row is a fault.
type Row struct {
	// Broken is what was broken.
	Broken string
	// ID of the check that says so, and a part of what it says.
	ID, Says string
	// Fix as it was printed.
	Fix string
	// Ran is set if the fix was run as it was printed, and mended it.
	Ran bool
}

// Check holds the rows of a section against the document.
func Check(t *testing.T, section string, rows []Row) {
	t.Helper()
	Hold(t, "faults.md", section, table(rows), "AKV_WRITE_FAULTS")
}

// Hold holds a section of a page in docs against what was seen. With the variable set to 1 it is written there.
func Hold(t *testing.T, page, section, is, variable string) {
	t.Helper()
	file := filepath.Join("..", "..", "docs", page)
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- begin: "+section+" -->\n", "<!-- end: "+section+" -->\n"
	head, rest, ok := strings.Cut(string(old), begin)
	was, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no section %q", file, section)
	}
	switch {
	case is == was:
	case os.Getenv(variable) == "1":
		if err := os.WriteFile(file, []byte(head+begin+is+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/%s is not what was seen; this test with %s=1 writes it. Seen:\n%s", page, variable, is)
	}
}

func table(rows []Row) string {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Broken, b.Broken)) })
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults.\n\n| what was broken | the check says | fix |\n| --- | --- | --- |\n", len(rows))
	for _, r := range rows {
		mark := ""
		if r.Ran {
			mark = " *(run)*"
		}
		fmt.Fprintf(&b, "| %s | %s: … %s … | %s%s |\n", cell(r.Broken), r.ID, cell(r.Says), code(r.Fix), mark)
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(same(s), "|", `\|`) }

// code shows a command as one, and words as they are.
func code(fix string) string {
	words := strings.Contains(fix, ", and ") || strings.Contains(fix, "; ")
	if first, _, more := strings.Cut(fix, " "); more && first == strings.ToLower(first) && !words {
		return "`" + cell(fix) + "`"
	}
	return cell(fix)
}

var changing = []struct {
	pattern *regexp.Regexp
	is      string
}{
	{regexp.MustCompile(`--role 4633458b-17de-408a-b874-0445c86b69e6`), "--role 4633458b-…"}, // a role's id is the same everywhere
	{regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "CLIENT-ID"},
	{regexp.MustCompile(`https://(?:127\.0\.0\.1|localhost):\d+/?`), "ISSUER"},
	{regexp.MustCompile(`-[0-9a-f]{6}\b`), "-HASH"},
}

// same leaves out what another run has otherwise.
func same(s string) string {
	for _, c := range changing {
		s = c.pattern.ReplaceAllString(s, c.is)
	}
	return s
}
