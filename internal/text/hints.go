package text

// Hints are suggestions for misspelt names, of which a text gets only the first few: each
// compares a name with every candidate.
type Hints struct{ given int }

const (
	maxHints      = 10
	maxCandidates = 200
)

// DidYouMean is [DidYouMean] for the first names and candidates, and "" after that.
func (h *Hints) DidYouMean(name string, candidates []string) string {
	if h.given++; h.given > maxHints {
		return ""
	}
	return DidYouMean(name, candidates[:min(len(candidates), maxCandidates)])
}
