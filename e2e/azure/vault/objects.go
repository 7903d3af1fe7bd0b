package vault

import (
	"fmt"
	"maps"
	"time"
)

// Object is a version of an object, without its content.
type Object struct {
	Kind        Kind              `json:"kind"`
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Enabled     bool              `json:"enabled"`
	Created     time.Time         `json:"created"` // of two versions the newer has the later time, by a nanosecond if need be
	Updated     time.Time         `json:"updated"`
	NotBefore   *time.Time        `json:"notBefore,omitempty"`
	Expires     *time.Time        `json:"expires,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
	Managed     bool              `json:"managed,omitempty"` // the secret or key of a certificate
	Tags        map[string]string `json:"tags,omitempty"`
}

func (o *object) describe(v *version) Object {
	return Object{
		Kind: o.kind, Name: o.name, Version: v.id, Enabled: v.enabled, Created: v.created, Updated: v.updated,
		NotBefore: copyTime(v.notBefore), Expires: copyTime(v.expires),
		ContentType: v.contentType, Managed: o.managed, Tags: maps.Clone(v.tags),
	}
}

func copyTime(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	return new(*at)
}

// List gives the newest version of each object of a kind, by name. Deleted ones
// are not among them.
func (s *Service) List(vault string, kind Kind) ([]Object, error) {
	if err := kind.check(); err != nil {
		return nil, fmt.Errorf("vault %s: %w", vault, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.vault(vault)
	if err != nil {
		return nil, err
	}
	found := []Object{}
	for _, o := range v.list(kind, false) {
		found = append(found, o.describe(o.newest()))
	}
	return found, nil
}

// Versions gives the versions of an object, the newest first.
func (s *Service) Versions(vault string, kind Kind, name string) ([]Object, error) {
	var found []Object
	err := s.within(vault, kind, name, func(v *contents) error {
		o, err := v.find(kind, name)
		if err != nil {
			return err
		}
		for _, version := range o.newestFirst() {
			found = append(found, o.describe(version))
		}
		return nil
	})
	return found, err
}
