package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestShorten(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"short":                {"abc", "abc"},
		"just short enough":    {strings.Repeat("a", 64), strings.Repeat("a", 64)},
		"long":                 {strings.Repeat("a", 65), strings.Repeat("a", 64) + "…"},
		"never within a rune":  {strings.Repeat("a", 63) + "ääää", strings.Repeat("a", 63) + "…"},
		"on one line":          {"a\nb\tc", "a b c"},
		"no control character": {"a\x00b\x1b[31m\u202e", "a\ufffdb\ufffd[31m\ufffd"},
		"not UTF-8":            {"\xff\xfe", "\ufffd\ufffd"},
	} {
		got := Shorten(tc.text)
		if got != tc.want || !utf8.ValidString(got) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
