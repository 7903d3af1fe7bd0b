package text

import (
	"encoding/json"
	"slices"
)

// AppendJSON appends a string in JSON, as json.Marshal writes it, which takes ten times as long for most.
func AppendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			escaped, err := json.Marshal(s)
			if err != nil {
				panic("a string is always JSON: " + err.Error())
			}
			return append(b, escaped...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

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
