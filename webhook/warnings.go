package webhook

import (
	"fmt"
	"unicode/utf8"

	"akv-injector/inject/finding"
)

// The API server cuts each warning to 256 characters once all of a request have
// more than 4,096 together, and then drops the last ones unseen.
const (
	maxWarning  = 256
	maxWarnings = 4096
)

// Where what was left out can be read.
const (
	moreFindings = "kubectl akv lint"
	morePreview  = "kubectl akv preview"
)

// warningLines makes admission warnings of findings, which come worst first, and of
// lines that come after them. A long one is shortened in its message or place, so that it
// keeps its fix. What has no room is counted in a last line that says where to read it.
func warningLines(findings []finding.Finding, also ...string) []string {
	texts := make([]string, 0, min(len(findings), maxWarnings))
	for _, f := range findings[:min(len(findings), cap(texts))] {
		texts = append(texts, f.Line(maxWarning))
	}
	var p page
	p.add(texts, len(findings), moreFindings)
	p.add(also, len(also), morePreview)
	return p.lines
}

// page is lines that have room in the headers of an answer.
type page struct {
	lines []string
	total int
}

// add puts as many of n texts on the page as have room, and counts the others. Those
// that do not come with texts are only counted.
func (p *page) add(texts []string, n int, where string) {
	first, shown := len(p.lines), 0
	for _, text := range texts {
		l := line(text, maxWarning)
		// Two findings may read the same once they are cut.
		if len(p.lines) == first || p.lines[len(p.lines)-1] != l {
			p.lines = append(p.lines, l)
			p.total += utf8.RuneCountInString(l)
		}
		if p.total > maxWarnings {
			break
		}
		shown++
	}
	if shown == n {
		return
	}
	// One line too many is there; the last one that fits may have to go for the count.
	for len(p.lines) > first && p.total > maxWarnings-utf8.RuneCountInString(foldedLine(n, where)) {
		p.total -= utf8.RuneCountInString(p.lines[len(p.lines)-1])
		p.lines = p.lines[:len(p.lines)-1]
	}
	fold := foldedLine(n-(len(p.lines)-first), where)
	if p.total+utf8.RuneCountInString(fold) > maxWarnings {
		return // what comes before has taken all the room
	}
	p.lines = append(p.lines, fold)
	p.total += utf8.RuneCountInString(fold)
}

func foldedLine(n int, where string) string {
	return fmt.Sprintf("and %d more: %s", n, where)
}
