package keyvault

import "time"

// State is what a vault says of one object. It is shared between callers: read it only.
type State struct {
	// Versions of the object, the newest first; none says that the vault has no such
	// object, or has it deleted.
	Versions []Version
	// Truncated says that there are more versions than were asked for. Key Vault lists
	// them in no order, so the newest may be among those that are missing.
	Truncated bool
	// At is when the vault said so.
	At time.Time
}

// Version is one version of an object.
type Version struct {
	// ID is the version alone, 32 hexadecimal digits.
	ID      string
	Enabled bool
	Created time.Time
	// NotBefore and Expires bound the time in which the version is valid; zero is no
	// bound. Key Vault gives a secret or certificate out in any case.
	NotBefore time.Time
	Expires   time.Time
}

// Exists reports whether the vault has the object.
func (s *State) Exists() bool { return len(s.Versions) > 0 }

// Newest is the version that a mount without objectVersion gets, nil if that is not
// known: there is none, or not all versions were listed. Key Vault gives the version
// made last, enabled or not.
//
// Key Vault gives times in whole seconds. Of two versions made in one, it is not known
// which is the newest; see IsNewest.
func (s *State) Newest() *Version {
	if s.Truncated || len(s.Versions) == 0 {
		return nil
	}
	return &s.Versions[0]
}

// IsNewest reports whether a version may be the newest: it is, or was made in the same
// second. It is false where the newest is not known.
func (s *State) IsNewest(id string) bool {
	newest, v := s.Newest(), s.Version(id)
	return newest != nil && v != nil && v.Created.Equal(newest.Created)
}

// Version finds a version by its id, nil if it was not listed.
func (s *State) Version(id string) *Version {
	for i := range s.Versions {
		if s.Versions[i].ID == id {
			return &s.Versions[i]
		}
	}
	return nil
}
