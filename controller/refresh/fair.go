package refresh

import (
	"slices"
	"time"
)

// fair has the pods that can be nudged now. Namespaces take turns, so that one with thousands of
// pods does not delay the others; within each, the shortest interval is first.
type fair struct {
	namespaces map[string]*share
	// passed is what the namespaces that are waiting have had at least.
	passed uint64
	size   int
}

type share struct {
	// had is how many of its pods were taken, or would have been.
	had  uint64
	pods []*pod // by the interval, the shortest last
}

func newFair() fair { return fair{namespaces: map[string]*share{}} }

func (f *fair) add(p *pod) {
	s := f.namespaces[p.Key.Namespace]
	if s == nil {
		s = &share{had: f.passed}
		f.namespaces[p.Key.Namespace] = s
	}
	interval := p.shortest()
	i, _ := slices.BinarySearchFunc(s.pods, interval, func(other *pod, d time.Duration) int {
		if other.shortest() > d {
			return -1
		}
		return 1
	})
	s.pods = slices.Insert(s.pods, i, p)
	p.waits = true
	f.size++
}

func (f *fair) remove(p *pod) {
	if !p.waits {
		return
	}
	s := f.namespaces[p.Key.Namespace]
	i := slices.Index(s.pods, p)
	s.pods = slices.Delete(s.pods, i, i+1)
	p.waits = false
	f.size--
	f.tidy(p.Key.Namespace, s)
}

func (f *fair) tidy(namespace string, s *share) {
	if len(s.pods) == 0 {
		delete(f.namespaces, namespace)
	}
}

// take takes the next pod, nil if there is none.
func (f *fair) take() *pod {
	var (
		least *share
		name  string
	)
	for n, s := range f.namespaces {
		if least == nil || s.had < least.had || s.had == least.had && n < name {
			least, name = s, n
		}
	}
	if least == nil {
		return nil
	}
	p := least.pods[len(least.pods)-1]
	least.pods = least.pods[:len(least.pods)-1]
	p.waits = false
	f.size--
	f.passed = least.had
	least.had++
	f.tidy(name, least)
	return p
}

// shortest is the shortest interval that the pod asks for.
func (p *pod) shortest() time.Duration {
	var least time.Duration
	for _, asked := range p.Asked {
		if least == 0 || asked < least {
			least = asked
		}
	}
	return least
}
