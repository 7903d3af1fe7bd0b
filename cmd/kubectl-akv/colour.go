package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// colourful reports whether to write colours: on a terminal, unless NO_COLOR is set to
// something (no-color.org) or the terminal knows none.
func colourful(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}
