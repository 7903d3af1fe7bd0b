package controller

import (
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/types"
)

// The API server refuses an event whose note is too long.
func TestNotesAreShort(t *testing.T) {
	events := &recorded{}
	record(events, types.NamespacedName{Namespace: testNamespace, Name: "c"}, warning, eventNotRestored, reasonRefused, strings.Repeat("100% é ", 1000))
	if n := len(events.notes[0]); n > 1024 {
		t.Errorf("a note of %d bytes", n)
	}
	if !utf8.ValidString(events.notes[0]) || !strings.HasPrefix(events.notes[0], "100% é ") {
		t.Errorf("note: %s", events.notes[0])
	}
}
