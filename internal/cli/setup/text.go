package setup

import (
	"fmt"
	"strings"

	"akv-injector/internal/text"
)

// Text is the plan in words: what each step makes, or removes, and each right that it gives.
func Text(p *Plan, steps []Step) string {
	var b strings.Builder
	grants := 0
	for i := range steps {
		mark := " "
		if steps[i].Grant {
			mark = "+"
			grants++
		}
		fmt.Fprintf(&b, "%s %2d  %s\n", mark, i+1, steps[i].Title)
	}
	if grants > 0 {
		fmt.Fprintf(&b, "\n%d of them (+) give a right.\n", grants)
	}
	for _, note := range p.Notes {
		b.WriteString("note: " + text.Printable(note) + "\n")
	}
	return b.String()
}
