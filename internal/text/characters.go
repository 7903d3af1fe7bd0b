package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// BadCharacter describes the first character of s that a name or path may not contain, or
// returns "". A JSON decoder puts U+FFFD where the text was not UTF-8.
func BadCharacter(s string) string {
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

// IsAlphanumeric reports whether c is an ASCII letter or digit.
func IsAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// IsName reports whether s has only ASCII letters, digits and hyphens, like the names of
// Key Vaults and their objects.
func IsName(s string) bool {
	for i := range len(s) {
		if !IsAlphanumeric(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}
