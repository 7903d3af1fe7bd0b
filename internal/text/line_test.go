package text

import "testing"

func TestLine(t *testing.T) {
	cases := map[string]struct {
		in    string
		limit int
		want  string
	}{
		"short":           {"abc", 5, "abc"},
		"exact":           {"abcde", 5, "abcde"},
		"long":            {"abcdef", 5, "abcd…"},
		"wide, fits":      {"ääääå", 5, "ääääå"},
		"wide, too long":  {"ääääåå", 5, "ääää…"},
		"broken UTF-8":    {"a\xffb", 5, "ab"},
		"only characters": {"\x00\x01", 5, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Line(c.in, c.limit); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
