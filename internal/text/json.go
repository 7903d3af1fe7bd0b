package text

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// AppendJSON appends a string in JSON, as json.Marshal writes it, which takes ten times as long for most.
func AppendJSON(b []byte, s string) []byte {
	start := len(b)
	b = append(b, '"')
	from := 0 // what is before is written
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			return appendMarshaled(b[:start], s)
		}
		if e := escapes[c]; e != "" {
			b = append(b, s[from:i]...)
			b = append(b, e...)
			from = i + 1
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

func appendMarshaled(b []byte, s string) []byte {
	escaped, err := json.Marshal(s)
	if err != nil {
		panic("a string is always JSON: " + err.Error())
	}
	return append(b, escaped...)
}

// escapes are how json.Marshal writes the characters of ASCII that it does not write as they are.
var escapes = func() (all [utf8.RuneSelf]string) {
	for c := range all {
		written := string(appendMarshaled(nil, string(rune(c))))
		if inside := written[1 : len(written)-1]; inside != string(rune(c)) {
			all[c] = inside
		}
	}
	return all
}()

// AppendJSONList appends a list of strings, as json.Marshal writes it.
func AppendJSONList(b []byte, list []string) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendJSON(b, s)
	}
	return append(b, ']')
}

// AppendJSONMap appends a map of strings in the order of its keys, as json.Marshal writes it.
func AppendJSONMap(b []byte, m map[string]string) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	const few = 16
	keys := make([]string, 0, few)
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendJSON(b, key), ':')
		b = AppendJSON(b, m[key])
	}
	return append(b, '}')
}
