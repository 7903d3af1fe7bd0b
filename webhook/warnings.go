package webhook

import (
	"fmt"
	"slices"
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
	all := make([]string, 0, len(findings))
	for _, f := range findings {
		// Two findings may read the same once they are cut.
		if l := line(findingText(f), maxWarning); !slices.Contains(all[max(0, len(all)-1):], l) {
			all = append(all, l)
		}
	}

	// Room for the last line is kept while there may be one.
	reserve := utf8.RuneCountInString(foldedLine(len(all)))
	total := 0
	for i, l := range all {
		n := utf8.RuneCountInString(l)
		last := i == len(all)-1
		if total+n > maxWarnings || !last && total+n+reserve > maxWarnings {
			return append(all[:i:i], foldedLine(len(all)-i))
		}
		total += n
	}
	return all
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
