package text

import "strings"

// Sentence ends s with a full stop, unless it ends as a sentence or a question already.
func Sentence(s string) string {
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// Instruction makes a sentence of a fix, unless the fix ends with a command, which must
// work when it is pasted.
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
