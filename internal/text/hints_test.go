package text

import "testing"

func TestHintsAreFew(t *testing.T) {
	var h Hints
	given := 0
	for range 100 {
		if h.DidYouMean("aap", []string{"app"}) != "" {
			given++
		}
	}
	if given != maxHints {
		t.Errorf("%d hints, want %d", given, maxHints)
	}
}
