package text

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestList(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"nothing":  {"", nil},
		"blanks":   {" \n,\t,", nil},
		"both":     {"a,b\nc", []string{"a", "b", "c"}},
		"CRLF":     {"a\r\nb\r\n", []string{"a", "b"}},
		"comments": {"# x\na # y, z\n#", []string{"a"}},
	} {
		if diff := cmp.Diff(tc.want, List(tc.text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
