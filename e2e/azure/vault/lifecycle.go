package vault

import (
	"fmt"
	"time"
)

// Delete deletes an object with all its versions, softly: it can be recovered,
// and keeps its name, until it is purged. A certificate takes its secret and key
// along.
func (s *Service) Delete(vault string, kind Kind, name string) error {
	return s.within(vault, kind, name, func(v *contents) error {
		_, err := v.softDelete(kind, name, s.config.Now())
		return err
	})
}

// Recover brings a deleted object back, with all its versions.
func (s *Service) Recover(vault string, kind Kind, name string) error {
	return s.within(vault, kind, name, func(v *contents) error {
		_, err := v.recover(kind, name)
		return err
	})
}

// Purge removes a deleted object for good.
func (s *Service) Purge(vault string, kind Kind, name string) error {
	return s.within(vault, kind, name, func(v *contents) error {
		return v.purge(kind, name)
	})
}

// within runs a change of one object, and tells where it failed.
func (s *Service) within(vault string, kind Kind, name string, change func(*contents) error) error {
	if err := kind.check(); err != nil {
		return fmt.Errorf("vault %s: %w", vault, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.vault(vault)
	if err != nil {
		return err
	}
	if err := change(v); err != nil {
		return fmt.Errorf("vault %s: %s/%s: %w", vault, kind, name, err)
	}
	return nil
}

func (v *contents) softDelete(kind Kind, name string, now time.Time) (*object, error) {
	o, err := v.find(kind, name)
	if err != nil {
		return nil, err
	}
	if o.managed {
		return nil, managed(kind, name, "delete")
	}
	for _, part := range v.parts(o) {
		part.deleted = &now
	}
	return o, nil
}

func (v *contents) recover(kind Kind, name string) (*object, error) {
	o, err := v.findDeleted(kind, name)
	if err != nil {
		return nil, err
	}
	if o.managed {
		return nil, managed(kind, name, "recover")
	}
	for _, part := range v.parts(o) {
		part.deleted = nil
	}
	return o, nil
}

func (v *contents) purge(kind Kind, name string) error {
	o, err := v.findDeleted(kind, name)
	if err != nil {
		return err
	}
	if o.managed {
		return managed(kind, name, "purge")
	}
	for _, part := range v.parts(o) {
		delete(v.objects[part.kind], fold(part.name))
	}
	return nil
}
