package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable makes outside text safe for a message, which is shown in a terminal and sent in
// an HTTP header: white space becomes a space, and any other character that cannot be
// printed becomes U+FFFD.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return utf8.RuneError
	}, s)
}

// Shorten is Printable, cut to a length that fits in a message. Of a long text only the start
// is looked at.
func Shorten(s string) string {
	const most, enough = 64, 1024
	long := len(s) > enough
	s = Printable(s[:boundary(s, enough)])
	if len(s) <= most && !long {
		return s
	}
	return s[:boundary(s, most)] + "…"
}

// boundary is the largest index up to most at which s can be cut between characters.
func boundary(s string, most int) int {
	if len(s) <= most {
		return len(s)
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return most
}
