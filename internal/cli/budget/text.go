package budget

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"akv-injector/internal/text"
)

// mostShown contributors are shown of each vault.
const mostShown = 5

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report as a table for each vault.
func (r *Report) WriteText(w io.Writer) error {
	var b bytes.Buffer
	if r.Every == "0s" {
		fmt.Fprintf(&b, "Vaults are asked when a pod starts, and not again: %s.\n", text.Printable(r.From))
	} else {
		fmt.Fprintf(&b, "Each volume is asked for every %s (%s).\n", r.Every, text.Printable(r.From))
	}
	for i := range r.Vaults {
		v := &r.Vaults[i]
		fmt.Fprintf(&b, "\n%s: %.1f calls in 10 s, %.1f%% of the limit of %d; %s a month\n", text.Printable(v.Vault), v.PerWindow, 100*v.Share, r.Limit, thousands(v.PerMonth))
		const gap = 2
		t := tabwriter.NewWriter(&b, 0, 0, gap, ' ', 0)
		fmt.Fprintln(t, "  WORKLOAD\tNAMESPACE\tPODS\tOBJECTS\tCALLS EACH TIME\tCALLS IN 10 S")
		for j := range v.Contributors {
			if j == mostShown {
				break
			}
			c := &v.Contributors[j]
			fmt.Fprintf(t, "  %s\t%s\t%d\t%d\t%d\t%.1f\n", text.Printable(c.Workload), text.Printable(c.Namespace), c.Pods, c.Objects, c.Calls, c.PerWindow)
		}
		_ = t.Flush() // into memory
		if more := len(v.Contributors) - mostShown; more > 0 {
			fmt.Fprintf(&b, "  and %d more\n", more)
		}
		for _, line := range v.Advice {
			fmt.Fprintln(&b, "  "+text.Printable(line))
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintln(&b, "note: "+text.Printable(note))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// thousands writes a number with commas.
func thousands(n int64) string {
	digits := fmt.Sprint(n)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, groups...), ",")
}

// Over reports whether a vault is asked more than a share of its limit.
func (r *Report) Over(share float64) bool {
	for i := range r.Vaults {
		if r.Vaults[i].Share > share {
			return true
		}
	}
	return false
}
