package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line turns any text into one line of at most limit characters. Warnings are sent as
// HTTP headers, where control characters are an error. And any text may be shown in a
// terminal, where control characters, and Unicode's invisible and direction-changing ones,
// can hide text.
func Line(s string, limit int) string {
	long := false
	if enough := 8 * (limit + 1); len(s) > enough {
		s, long = s[:boundary(s, enough)], true
	}
	clean := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.C, r), r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	if long && utf8.RuneCountInString(clean) < limit {
		return clean + "…"
	}
	return cut(clean, limit)
}

// cut shortens s to at most limit characters. An ellipsis marks the cut.
func cut(s string, limit int) string {
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n == limit-1 {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
