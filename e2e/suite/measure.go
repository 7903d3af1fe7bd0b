package suite

import (
	"fmt"
	"strings"
	"testing"
)

// measured is the attribute of a test that has what it measured.
const measured = "measured"

// Measure reports what a test has measured, which is told at the end of `make test`: of a
// test that passes nothing else is.
func Measure(t testing.TB, format string, args ...any) {
	t.Helper()
	// An attribute is one line.
	t.Attr(measured, strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
}
