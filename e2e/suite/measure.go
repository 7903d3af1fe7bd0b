package suite

import (
	"fmt"
	"strings"
	"testing"
)

// measured is the attribute of a test that has what it measured.
const measured = "measured"

// Measure reports what a test has measured, which is printed at the end of `make test`: of a
// test that passes nothing else is.
func Measure(tb testing.TB, format string, args ...any) {
	tb.Helper()
	// An attribute is one line.
	tb.Attr(measured, strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
}
