package text

import (
	"fmt"
	"slices"
	"strings"
)

// Nearest returns the candidate that a misspelt name most likely means, or "".
func Nearest(name string, candidates []string) string {
	// A longer name is not a misspelt candidate, and comparing it takes time.
	const longest = 80
	if len(name) > longest {
		return ""
	}
	best, bestDistance := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(name), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// NearestFew returns at most three candidates that a misspelt name may mean, the nearest
// first.
func NearestFew(name string, candidates []string) []string {
	const few = 3
	var near []string
	left := slices.Clone(candidates)
	for len(near) < few {
		n := Nearest(name, left)
		if n == "" {
			break
		}
		near = append(near, n)
		left = slices.DeleteFunc(left, func(c string) bool { return c == n })
	}
	return near
}

// DidYouMean returns a clause that names the nearest candidate, or all candidates if none
// is near and they are few.
func DidYouMean(name string, candidates []string) string {
	if n := Nearest(name, candidates); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	const few = 20
	if len(candidates) == 0 || len(candidates) > few {
		return ""
	}
	sorted := slices.Sorted(slices.Values(candidates))
	return "use one of: " + strings.Join(sorted, ", ")
}

// Distance is the edit distance of two names, or more than limit if it is.
func Distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1 // and comparing them takes time
	}
	return editDistance(a, b)
}

// editDistance is the number of insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (optimal string alignment, over bytes).
func editDistance(a, b string) int {
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}
