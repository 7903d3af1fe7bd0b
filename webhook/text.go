package webhook

import "akv-injector/internal/text"

// How much of a text from outside goes into a message, in characters.
const (
	maxName   = 253
	maxDetail = 512
)

// line is text.Line, for short.
func line(s string, limit int) string { return text.Line(s, limit) }
