package main

import (
	"fmt"
	"io"
	"slices"

	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/status"
)

// statusWatch prints what is new in each report.
type statusWatch struct {
	printer *statusPrinter
	errOut  io.Writer
	// shown are the items as they were printed last, and notes what was printed.
	shown map[[5]string]status.Item
	notes []string
}

func (w *statusWatch) report(r *status.Report) error {
	w.printOnce("error: ", r.Missing)
	w.printOnce("note: ", r.Notes)
	now := make(map[[5]string]status.Item, len(r.Items))
	var changed []status.Item
	for i := range r.Items {
		item := r.Items[i]
		before, ok := w.shown[item.Key()]
		if !ok || !item.Same(&before) {
			changed = append(changed, item)
		}
		now[item.Key()] = item
	}
	w.shown = now
	return w.printer.printItems(changed)
}

func (w *statusWatch) failed(err error) { w.printOnce("error: ", []string{err.Error()}) }

// printOnce prints each text once.
func (w *statusWatch) printOnce(what string, texts []string) {
	for _, text := range texts {
		if !slices.Contains(w.notes, text) {
			w.notes = append(w.notes, text)
			fmt.Fprintln(w.errOut, what+lint.Printable(text))
		}
	}
}
