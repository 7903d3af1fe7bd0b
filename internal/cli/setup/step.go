package setup

import (
	"fmt"
	"slices"
	"strings"
)

// Step is a step of the script.
type Step struct {
	// Title in words that a shell takes as they are.
	Title string
	// Grant is set if it lets somebody read something.
	Grant bool
	// Look is a command that shows how it is, and Lacking a test of what it shows, which is in $seen.
	Look, Lacking string
	// Do is what is run if it is lacking. Without it, Fails says what is wrong then.
	Do    []string
	Fails string
	// Sets are variables that later steps use.
	Sets []Variable
}

// Variable is set to what a command prints.
type Variable struct{ Name, Command string }

// Tests of what a command shows.
const (
	nothing = `[ -z "$seen" ]`
	notTrue = `[ "$seen" != true ]`
	some    = `[ -n "$seen" ]`
)

// without is a test for a line that is not among those shown.
func without(variable string) string {
	return `! printf '%s\n' "$seen" | grep -qxF "$` + variable + `"`
}

// script writes the lines of a step. Whether something was changed is in the variable changed.
func (s *Step) script() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if s.Look != "" {
		line("seen=$(%s)", s.Look)
		line("if %s; then", s.Lacking)
		for _, do := range s.Do {
			line("  %s", strings.ReplaceAll(do, "\n", "\n  "))
		}
		if s.Fails != "" {
			line("  fail '%s'", strings.ReplaceAll(s.Fails, "'", `'\''`))
		} else {
			line("  changed=yes")
		}
		line("fi")
	}
	for _, v := range s.Sets {
		line("%s=$(%s)", v.Name, v.Command)
	}
	return b.String()
}

// trimmed leaves out the variables that no step uses.
func trimmed(steps []Step) []Step {
	var all strings.Builder
	for i := range steps {
		all.WriteString(steps[i].script())
	}
	text := all.String()
	for i := range steps {
		steps[i].Sets = slices.DeleteFunc(steps[i].Sets, func(v Variable) bool { return !strings.Contains(text, `"$`+v.Name+`"`) })
	}
	return steps
}
