package text

import (
	"encoding/json"
	"testing"
)

func FuzzAppendJSON(f *testing.F) {
	for _, s := range []string{"", "DB-Password", "a\nb", `"\`, "<&>", "\u2028", "é", "\xff", "\x7f", "\x00"} {
		f.Add(s, s+"2")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		check := func(value any, got []byte) {
			t.Helper()
			want, err := json.Marshal(value)
			if err != nil || string(got) != "x"+string(want) {
				t.Errorf("%q, want x%q: %v", got, want, err)
			}
		}
		x := func() []byte { return []byte("x") }
		check(one, AppendJSON(x(), one))
		for _, list := range [][]string{nil, {}, {one}, {one, two}} {
			check(list, AppendJSONList(x(), list))
		}
		for _, m := range []map[string]string{nil, {}, {one: two}, {one: two, two: one, "c": ""}} {
			check(m, AppendJSONMap(x(), m))
		}
	})
}
