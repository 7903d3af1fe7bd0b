package annotation

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// Bounds of a list of patterns: anyone may write an annotation. What is beyond matches nothing.
const (
	maxPatterns = 50
	maxPattern  = 253
	// maxStates is how large a pattern may become when it is compiled: a{1000} is a thousand times as large as a.
	maxStates = 2000
)

// patterns are names, and expressions for names, as Reloader reads them.
type patterns []pattern

type pattern struct {
	name       string
	expression *regexp.Regexp // nil if it is none
}

func readPatterns(list string) patterns {
	var all patterns
	items := strings.SplitN(list, ",", maxPatterns+1)
	for _, item := range items[:min(len(items), maxPatterns)] {
		p := pattern{name: strings.TrimSpace(item)}
		if p.name != "" && len(p.name) <= maxPattern && compact(p.name) {
			// Not ^(?:p)$: an alternative a|b is anchored at one end only, there as here.
			p.expression, _ = regexp.Compile("^" + p.name + "$")
		}
		all = append(all, p)
	}
	return all
}

// match reports whether one of the patterns is that of the whole name.
func (all patterns) match(name string) bool {
	for _, p := range all {
		if p.name == name || p.expression != nil && p.expression.MatchString(name) {
			return true
		}
	}
	return false
}

// compact reports whether an expression stays small when it is compiled.
func compact(expression string) bool {
	tree, err := syntax.Parse(expression, syntax.Perl)
	return err == nil && states(tree) <= maxStates
}

func states(tree *syntax.Regexp) int {
	n := 1 + len(tree.Rune)
	for _, sub := range tree.Sub {
		n = min(n+states(sub), maxStates+1)
	}
	if tree.Op == syntax.OpRepeat {
		n *= max(tree.Min, tree.Max, 1)
	}
	return min(n, maxStates+1)
}
