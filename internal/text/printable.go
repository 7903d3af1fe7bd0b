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

// Shorten is Printable, cut to a length that fits in a message.
func Shorten(s string) string {
	const most = 64
	s = Printable(s)
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
