package webhook

import (
	"fmt"
	"unicode/utf8"

	"akv-injector/inject"
)

// The API server cuts each warning to 256 characters once all of a request have
// more than 4,096 together, and then drops the last ones unseen.
const (
	maxWarning  = 256
	maxWarnings = 4096
)

// warningLines makes admission warnings of findings, which come worst first. What
// has no room is counted in a last line that says where to read it.
func warningLines(findings []inject.Finding) []string {
	var lines []string
	total, told := 0, 0
	for _, f := range findings {
		l := line(findingText(f), maxWarning)
		// Two findings may read the same once they are cut.
		if len(lines) == 0 || lines[len(lines)-1] != l {
			lines = append(lines, l)
			total += utf8.RuneCountInString(l)
		}
		if total > maxWarnings {
			break
		}
		told++
	}
	if told == len(findings) {
		return lines
	}
	// One line too many is there; the last one that fits may have to go for the count.
	for total > maxWarnings-utf8.RuneCountInString(foldedLine(len(findings))) {
		total -= utf8.RuneCountInString(lines[len(lines)-1])
		lines = lines[:len(lines)-1]
	}
	return append(lines, foldedLine(len(findings)-len(lines)))
}

func foldedLine(n int) string {
	return fmt.Sprintf("and %d more: kubectl akv lint", n)
}

// findingText is the finding behind its field, the way kubectl writes the causes
// of a refusal.
func findingText(f inject.Finding) string {
	if f.Field == "" {
		return f.String()
	}
	return f.Field + ": " + f.String()
}
