package description

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJoinLines(t *testing.T) {
	long := strings.Repeat("x", 120)
	got := joinLines("In: ", []string{long, long, "y", long})
	want := []string{"In: " + long + ", " + long + ", y.", "In: " + long + "."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if got := joinLines("In: ", nil); got != nil {
		t.Errorf("lines of nothing: %q", got)
	}
	if n := len([]rune(cutLine(strings.Repeat("ä", 300)))); n != maxLine {
		t.Errorf("cut to %d", n)
	}
}
