package manifest

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Set is what was read, in the order of its files and of their text.
type Set struct {
	Objects []*Object
	// Problems with what could not be read.
	Problems []Problem
	// Files is how many were read.
	Files int
}

// Unusable reports whether something could not be read that should have been.
func (s *Set) Unusable() bool {
	return slices.ContainsFunc(s.Problems, func(p Problem) bool { return !p.Note })
}

// result of one file or document.
type result struct {
	documents []*document
	objects   []*Object
	problems  []Problem
}

// Read reads everything that the source names. Files, and the documents in one, are read
// side by side, and stand in the set in their order anyway.
func (s Source) Read() *Set {
	inputs, problems := s.find()
	set := &Set{Problems: problems, Files: len(inputs)}

	files := make([]result, len(inputs))
	each(len(inputs), func(i int) {
		text, problem := s.text(inputs[i])
		if problem != nil {
			files[i].problems = []Problem{*problem}
			return
		}
		files[i].documents, files[i].problems = split(inputs[i].name(), inputs[i].named, text)
		for _, d := range files[i].documents {
			d.rendered = inputs[i].rendered != nil
		}
	})
	var documents []*document
	for i := range files {
		set.Problems = append(set.Problems, files[i].problems...)
		documents = append(documents, files[i].documents...)
	}

	results := make([]result, len(documents))
	each(len(documents), func(i int) {
		results[i].objects, results[i].problems = documents[i].objects()
	})
	for i := range results {
		set.Objects = append(set.Objects, results[i].objects...)
		set.Problems = append(set.Problems, results[i].problems...)
	}
	sortProblems(set.Problems, inputs)
	return set
}

// sortProblems puts what was found in two goes into the order of the text.
func sortProblems(problems []Problem, inputs []input) {
	order := make(map[string]int, len(inputs))
	for i, in := range inputs {
		order[in.name()] = i
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if d := order[a.File] - order[b.File]; d != 0 {
			return d
		}
		if a.File != b.File {
			return 0
		}
		return a.Line - b.Line
	})
}

// Each calls visit with every object, several at a time.
func (s *Set) Each(visit func(i int, o *Object)) {
	each(len(s.Objects), func(i int) { visit(i, s.Objects[i]) })
}

// each calls work for 0 to n-1, as many at a time as there are processors.
func each(n int, work func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	group.Wait()
}
