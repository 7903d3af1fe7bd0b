package finding

import (
	"regexp"
	"strings"
)

// placeholders are what tools and documents write where a value has to go: a variable of a shell, of envsubst
// or of Flux's postBuild, a template of Helm, and words in angle brackets. A value in one of our fields never has any
// of them.
var placeholders = regexp.MustCompile(`\$\{[^}]*\}|\$\([^)]*\)|\{\{.*|<[A-Za-z][^<>]*>|^\$[A-Za-z_][A-Za-z0-9_]*$`)

// IsPlaceholder reports whether a value has a placeholder that nobody has filled in.
func IsPlaceholder(value string) bool {
	return strings.ContainsAny(value, "$<{") && placeholders.MatchString(value)
}

// unfilled is the problem of a value with a placeholder, whatever else is wrong with it.
func unfilled(value string) Problem {
	fix := "write the value"
	switch {
	case strings.Contains(value, "{{"):
		fix = "render the template first (helm template, or the like), and check what comes out"
	case strings.Contains(value, "$"):
		fix = "fill it in first (envsubst, Flux postBuild, or the like), and check what comes out"
	}
	return Problem{What: "has a placeholder that nobody has filled in", Fix: fix}
}
