package finding

import (
	"strings"
	"unicode/utf8"
)

// Line is the finding after its place, as kubectl prints the causes of a refusal, in at most
// limit characters. The fix is kept whole if it fits: the place is
// shortened first, from its start, then the message.
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

// Lengths below which parts of a line are not shortened, since less is not informative.
const (
	leastMessage = 40
	leastPlace   = 16
)

// shortenEnd removes n characters from the end, but keeps leastMessage of them.
func shortenEnd(s string, n int) string {
	length := utf8.RuneCountInString(s)
	return cut(s, max(length-n, min(leastMessage, length)))
}

// shortenStart removes n characters from the start, but keeps leastPlace of them: the end of
// a path is more specific than its start.
func shortenStart(s string, n int) string {
	length := utf8.RuneCountInString(s)
	keep := max(length-n-1, min(leastPlace, length))
	if keep >= length {
		return s
	}
	return "…" + string([]rune(s)[length-keep:])
}

// cut shortens s to at most limit characters. An ellipsis marks the cut.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:limit-1]), " ") + "…"
}
