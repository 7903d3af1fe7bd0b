package vault

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"time"
)

// retention is how long a deleted object could be recovered in Azure, by default.
const retention = 90 * 24 * time.Hour

// contents is what one vault holds. Everything here wants Service.mu held,
// and an object's versions are never empty.
type contents struct {
	name    string
	objects map[Kind]map[string]*object // by folded name
}

func newContents(name string) *contents {
	return &contents{name: name, objects: map[Kind]map[string]*object{
		Secret: {}, Key: {}, Certificate: {},
	}}
}

// object is a secret, key or certificate with all its versions, deleted or not.
type object struct {
	kind     Kind
	name     string
	managed  bool       // the secret or key of a certificate
	versions []*version // in the order they were made
	deleted  *time.Time // nil when it is not
	policy   *policy    // of a certificate
}

// version holds what its object's kind has: a secret its value, a key its public
// half, a certificate its DER form.
type version struct {
	id               string
	seq              uint64
	enabled          bool
	created, updated time.Time
	notBefore        *time.Time
	expires          *time.Time
	contentType      string
	tags             map[string]string

	value string
	key   *jsonWebKey
	cert  *x509Part
}

// objectName is Azure's rule for the names of objects.
var objectName = regexp.MustCompile(`^[-A-Za-z0-9]{1,127}$`)

func checkName(name string) error {
	if !objectName.MatchString(name) {
		return badParameter("The request URI contains an invalid name: %s", name)
	}
	return nil
}

// versionID is what a version looks like; another one cannot be there.
var versionID = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

func newVersionID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails, its documentation says
	return hex.EncodeToString(id)
}

// find gives a live object.
func (v *contents) find(kind Kind, name string) (*object, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	o, ok := v.objects[kind][fold(name)]
	if !ok || o.deleted != nil {
		return nil, notFound(kind, name)
	}
	return o, nil
}

// findDeleted gives a deleted object.
func (v *contents) findDeleted(kind Kind, name string) (*object, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	o, ok := v.objects[kind][fold(name)]
	if !ok || o.deleted == nil {
		return nil, deletedNotFound(kind, name)
	}
	return o, nil
}

// reserve reports whether a new version may be made under a name: not while the
// name belongs to a deleted object, nor to a certificate's part.
func (v *contents) reserve(kind Kind, name, operation string) error {
	if err := checkName(name); err != nil {
		return err
	}
	o, ok := v.objects[kind][fold(name)]
	switch {
	case !ok:
		return nil
	case o.deleted != nil:
		return deletedConflict(kind, name)
	case o.managed:
		return managed(kind, name, operation)
	}
	return nil
}

// add appends a version to an object, which it makes if there is none.
func (v *contents) add(kind Kind, name string, next *version) *object {
	o, ok := v.objects[kind][fold(name)]
	if !ok {
		o = &object{kind: kind, name: name}
		v.objects[kind][fold(name)] = o
	}
	// A clock may stand still, or be set back: created must tell the newest anyway.
	if len(o.versions) > 0 {
		if last := o.newest().created; !next.created.After(last) {
			next.created = last.Add(time.Nanosecond)
			next.updated = next.created
		}
	}
	o.versions = append(o.versions, next)
	return o
}

// list gives the objects of a kind that are not deleted, or those that are, by
// name.
func (v *contents) list(kind Kind, deleted bool) []*object {
	var found []*object
	for _, key := range slices.Sorted(maps.Keys(v.objects[kind])) {
		if o := v.objects[kind][key]; (o.deleted != nil) == deleted {
			found = append(found, o)
		}
	}
	return found
}

func (o *object) newest() *version { return o.versions[len(o.versions)-1] }

// version finds one by its id; "" is the newest.
func (o *object) version(id string) (*version, error) {
	if id == "" {
		return o.newest(), nil
	}
	if !versionID.MatchString(id) {
		return nil, badParameter("The request URI contains an invalid version: %s", id)
	}
	for _, v := range o.versions {
		if v.id == fold(id) {
			return v, nil
		}
	}
	return nil, notFound(o.kind, o.name+"/"+id)
}

// newestFirst gives the versions in the order they are listed in.
func (o *object) newestFirst() []*version {
	versions := slices.Clone(o.versions)
	slices.Reverse(versions)
	return versions
}

// parts are the objects that live and die with one: a certificate's secret and
// key, and the object itself.
func (v *contents) parts(o *object) []*object {
	parts := []*object{o}
	if o.kind == Certificate {
		for _, kind := range []Kind{Secret, Key} {
			if part, ok := v.objects[kind][fold(o.name)]; ok && part.managed {
				parts = append(parts, part)
			}
		}
	}
	return parts
}
