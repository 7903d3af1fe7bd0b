package manifest

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// nearest is the one of several objects of a name that counts for another object: the one in its file, else in
// its folder, else in the nearest folder above. Else it is the only one, wherever it is. Where several are as near
// as that and differ, it is none, and among has them.
func nearest(from *Object, candidates []*Object) (found *Object, among []*Object) {
	near := atNearest(from, candidates)
	if len(near) == 0 {
		return nil, nil
	}
	for _, o := range near[1:] {
		if !bytes.Equal(o.JSON, near[0].JSON) {
			return nil, near
		}
	}
	return near[0], nil
}

// atNearest are the candidates that are nearest to an object.
func atNearest(from *Object, candidates []*Object) []*Object {
	if len(candidates) < 2 || from == nil {
		return candidates
	}
	const elsewhere = 1 << 20
	best := elsewhere + 1
	var near []*Object
	for _, o := range candidates {
		d := distance(from.File, o.File, elsewhere)
		if d < best {
			best, near = d, nil
		}
		if d == best {
			near = append(near, o)
		}
	}
	return near
}

// distance is 0 for the same file, 1 for the same folder, and one more for each folder above; elsewhere for any other.
func distance(from, to string, elsewhere int) int {
	if from == to {
		return 0
	}
	if from == StdinName || to == StdinName {
		return elsewhere
	}
	folder, other := filepath.Dir(from), filepath.Dir(to)
	for d := 1; ; d++ {
		if folder == other {
			return d
		}
		above := filepath.Dir(folder)
		if above == folder || strings.HasSuffix(folder, "..") {
			return elsewhere
		}
		folder = above
	}
}

// Namesakes are objects of one kind, namespace and name with other content.
type Namesakes struct{ First, Second *Object }

// Namesakes finds objects that have the name of one before them in the same file or folder: both are applied to one
// cluster, and the later one is what is left. Of objects of other kinds and places nobody knows that.
func (s *Set) Namesakes(c *Cluster) []Namesakes {
	var found []Namesakes
	seen := map[identity][]*Object{}
	for _, o := range s.Objects {
		if o.Typed == nil || o.Name == "" {
			continue
		}
		id := c.identityOf(o)
		id.kind = o.GroupVersionKind().GroupKind().String()
		if i := slices.IndexFunc(seen[id], func(first *Object) bool {
			return distance(o.File, first.File, 2) < 2 && !bytes.Equal(first.JSON, o.JSON)
		}); i >= 0 {
			found = append(found, Namesakes{seen[id][i], o})
		}
		seen[id] = append(seen[id], o)
	}
	return found
}

// String says which objects it is about, and what to do.
func (a Ambiguity) String() string {
	places := make([]string, 0, len(a.Among))
	for _, o := range a.Among {
		places = append(places, fmt.Sprintf("%s:%d", o.File, o.Line()))
	}
	const most = 3
	if more := len(places) - most; more > 0 {
		places = append(places[:most], fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("which %s %s is meant is not clear: it is in %s, with different contents; give the files of one environment at a time",
		a.Kind, a.Name, strings.Join(places, ", "))
}
