package inject

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitList splits an annotation's list at commas and newlines. A # starts a
// comment that ends with the line; empty elements count for nothing.
func splitList(value string) []string {
	var items []string
	for line := range strings.Lines(value) {
		line, _, _ = strings.Cut(line, "#")
		for item := range strings.SplitSeq(line, ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
	}
	return items
}

// shorten cuts outside text to a length that a message can carry. A message is a
// line of a terminal and of an HTTP header: what cannot be printed does not get there.
func shorten(s string) string {
	const most = 64
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// badCharacter describes the first character of s that has no place in a name or
// path, or is "". U+FFFD is what a JSON decoder puts where the text was not UTF-8.
func badCharacter(s string) string {
	if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
		return "text that is not UTF-8"
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("the character %U", r)
		}
	}
	return ""
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
