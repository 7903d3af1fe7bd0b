package manifest

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// nearest is the one of several objects of a name that counts for another object: the one in its file, else in
// its folder, else in the nearest folder above, else in a file that was named itself, as its own was: files that are named
// one by one belong together. What stands in any other folder may be another environment's, and never counts. Where
// several are as near and differ, or all are elsewhere, it is none, and among has them.
func nearest(from *Object, candidates []*Object) (found *Object, among []*Object) {
	if len(candidates) == 0 {
		return nil, nil
	}
	near, d := atNearest(from, candidates)
	if d >= elsewhere {
		return nil, near
	}
	for _, o := range near[1:] {
		if !bytes.Equal(o.JSON, near[0].JSON) {
			return nil, near
		}
	}
	return near[0], nil
}

// elsewhere is farther than any folder, and together is as far as files that were named.
const (
	elsewhere = 1 << 20
	together  = elsewhere - 1
)

// atNearest are the candidates that are nearest to an object, and how far that is.
func atNearest(from *Object, candidates []*Object) (near []*Object, at int) {
	at = elsewhere + 1
	for _, o := range candidates {
		d := distance(from.File, o.File)
		if d == elsewhere && from.Named && o.Named && !from.document.rendered && !o.document.rendered {
			d = together
		}
		if d < at {
			at, near = d, nil
		}
		if d == at {
			near = append(near, o)
		}
	}
	return near, at
}

// distance is 0 for the same file, 1 for the same folder, and one more for each folder above; elsewhere for any other.
func distance(from, to string) int {
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
			return distance(o.File, first.File) < 2 && !bytes.Equal(first.JSON, o.JSON)
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
	if len(a.Among) == 1 {
		return fmt.Sprintf("whether the %s %s in %s is meant is not clear: it is in another folder, which may be another environment's; name the files that belong together one by one (-f), or put them into one folder",
			a.Kind, a.Name, places[0])
	}
	return fmt.Sprintf("which %s %s is meant is not clear: it is in %s; give the files of one environment at a time",
		a.Kind, a.Name, strings.Join(places, ", "))
}
