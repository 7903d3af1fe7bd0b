package inject

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"
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

// printable is outside text as a message can carry it. A message is a line of a terminal
// and of an HTTP header: what cannot be printed does not get there.
func printable(s string) string {
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

// shorten cuts outside text to a length that a message can carry.
func shorten(s string) string {
	const most = 64
	s = printable(s)
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

// sentence ends s with a full stop, unless it has an end.
func sentence(s string) string {
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// kubernetesNameProblem says what keeps a value from being an object's name, or is "".
func kubernetesNameProblem(name string) string {
	if len(validation.IsDNS1123Subdomain(name)) == 0 {
		return ""
	}
	return "not the name of a Kubernetes object; write at most 253 lower case letters, digits, hyphens and dots, with a letter or digit at both ends"
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
