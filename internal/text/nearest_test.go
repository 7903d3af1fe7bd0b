package text

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"objects", "service-account", "rotation-poll-interval", "vault", "env", "allow"}
	for name, want := range map[string]string{
		"object": "objects", "Objects": "objects", "service_account": "service-account", "serviceAccount": "service-account",
		"rotation-interval": "rotation-poll-interval", "vualt": "vault", "evn": "env", "alow": "allow",
		"zzzzzzzzzzzz": "", "": "", strings.Repeat("o", 1000): "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b string
		want int
	}{
		"equal":          {"abc", "abc", 0},
		"nothing":        {"", "abc", 3},
		"to nothing":     {"abc", "", 3},
		"an insertion":   {"ac", "abc", 1},
		"a deletion":     {"abc", "ac", 1},
		"a substitution": {"abc", "axc", 1},
		"a swap":         {"abcd", "acbd", 1},
		"far":            {"kitten", "sitting", 3},
	} {
		if got := editDistance(tc.a, tc.b); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	for name, tc := range map[string]struct {
		name  string
		known []string
		want  string
	}{
		"near":           {"ap", []string{"app", "proxy"}, `did you mean "app"?`},
		"none near, few": {"database", []string{"proxy", "app"}, "use one of: app, proxy"},
		"none":           {"a", nil, ""},
		"many":           {"zzzz", strings.Split(strings.Repeat("aaaaaaaa,", 21), ","), ""},
	} {
		if got := DidYouMean(tc.name, tc.known); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
