package setup

import (
	"fmt"
	"strings"
)

// prelude is what each step's lines need. Those of another place may hold names that a terminal takes as commands.
const prelude = `set -eu
LC_ALL=C
export LC_ALL
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
`

// Script is a POSIX script of steps.
func Script(head string, steps []Step) string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	for line := range strings.Lines(head) {
		b.WriteString("# " + strings.TrimRight(line, "\n") + "\n")
	}
	b.WriteString(prelude)
	b.WriteString("step() { printf '%s\\n' \"$*\"; }\n")
	for i := range steps {
		s := &steps[i]
		fmt.Fprintf(&b, "\nstep %d/%d: %s\nchanged=\n%s", i+1, len(steps), s.Title, s.script())
		if s.Look != "" && s.Fails == "" {
			b.WriteString("[ -z \"$changed\" ] || step '  changed'\n")
		}
	}
	return b.String()
}
