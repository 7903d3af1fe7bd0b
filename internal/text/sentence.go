package text

import "strings"

// Sentence ends s with a full stop, unless it already ends with one or with a question mark.
func Sentence(s string) string {
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// Instruction makes a fix a sentence. A fix that ends with a command gets no full stop, so
// that the command works when it is pasted.
func Instruction(fix string) string {
	if fix == "" {
		return ""
	}
	fix = strings.ToUpper(fix[:1]) + fix[1:]
	if endsWithCommand(fix) {
		return fix
	}
	return Sentence(fix)
}

func endsWithCommand(fix string) bool {
	return strings.Contains(fix, ": kubectl ") || strings.Contains(fix, ": az ")
}
