package main

import (
	"fmt"
	"strings"

	"akv-injector/internal/cli/doctor"
)

// doctorTable is the table of the checks of kubectl akv doctor.
func doctorTable() string {
	var b strings.Builder
	b.WriteString("| id | name | looks at | why it matters |\n| --- | --- | --- | --- |\n")
	layer := doctor.Layer("")
	for _, c := range doctor.Checks() {
		if c.Layer != layer {
			layer = c.Layer
			fmt.Fprintf(&b, "| | **%s** | | |\n", layer)
		}
		before := ""
		if c.Before {
			before = " (`--pre` too)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s%s | %s |\n", c.ID, c.Name, c.Looks, before, c.Matters)
	}
	return b.String()
}

// wordsTable is what words of events mean.
func wordsTable() string {
	var b strings.Builder
	b.WriteString("| the event contains | what is wrong | fix |\n| --- | --- | --- |\n")
	cell := func(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
	for _, w := range doctor.Decoder {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", cell(w.Says), w.Means, cell(w.Fix))
	}
	return b.String()
}
