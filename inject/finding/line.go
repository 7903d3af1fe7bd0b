package finding

import (
	"strings"
	"unicode/utf8"
)

// Line is the finding behind its place, as kubectl shows the causes of a refusal, in at most
// limit characters. It keeps its fix where that fits at all: the place is shortened first,
// from its start, then the message.
func (f Finding) Line(limit int) string {
	place, message := "", f.Message
	if f.Place != nil {
		place = f.Place.String() + ": "
	}
	whole := func() string {
		g := f
		g.Message = message
		return place + g.String()
	}
	over := func() int { return utf8.RuneCountInString(whole()) - limit }
	if n := over(); n > 0 && place != "" {
		place = shortenStart(place, n)
	}
	if n := over(); n > 0 {
		message = shortenEnd(message, n)
	}
	return cut(whole(), limit)
}

// Parts of a line that are not shortened further: less says nothing.
const (
	leastMessage = 40
	leastPlace   = 16
)

// shortenEnd takes n characters off the end, or as many as leave something to read.
func shortenEnd(s string, n int) string {
	length := utf8.RuneCountInString(s)
	return cut(s, max(length-n, min(leastMessage, length)))
}

// shortenStart takes n characters off the start, or as many as leave something to read: the
// end of a path says more than its start.
func shortenStart(s string, n int) string {
	length := utf8.RuneCountInString(s)
	keep := max(length-n-1, min(leastPlace, length))
	if keep >= length {
		return s
	}
	return "…" + string([]rune(s)[length-keep:])
}

// cut shortens s to at most limit characters and marks the place.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:limit-1]), " ") + "…"
}
