package finding

import (
	"strings"
	"unicode/utf8"
)

// Line is the finding after its place, as kubectl prints the causes of a refusal, in at most
// limit characters. The fix is kept whole if it fits: the place is
// shortened first, from its start, then the message.
func (f Finding) Line(limit int) string {
	place, text := "", f.String()
	if f.Place != nil {
		place = f.Place.String() + ": "
	}
	over := utf8.RuneCountInString(place) + utf8.RuneCountInString(text) - limit
	if over <= 0 {
		return place + text
	}
	if place != "" {
		short := shortenStart(place, over)
		over -= utf8.RuneCountInString(place) - utf8.RuneCountInString(short)
		place = short
	}
	if over > 0 {
		f.Message = shortenEnd(f.Message, over)
		text = f.String()
	}
	return cut(place+text, limit)
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
	at := 0
	for range length - keep {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return "…" + s[at:]
}

// cut shortens s to at most limit characters. An ellipsis marks the cut.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:limit-1]), " ") + "…"
}
