package status

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"akv-injector/inject/provider"
	"akv-injector/internal/text"
	"akv-injector/keyvault"
)

// Progress is how far a version has come with one mount.
type Progress string

const (
	// There is a mount of which no container has an older version.
	There Progress = "there"
	// Older is one with an older version, in the mount or in a container.
	Older Progress = "older"
	// Unseen is one of which it is not known.
	Unseen Progress = "unseen"
)

// Target is the object and the version that are waited for.
type Target struct {
	Vault string
	Type  keyvault.Type
	Name  string
	// Version is empty for the newest in the vault.
	Version string
}

// ParseTarget reads VAULT/NAME or VAULT/TYPE/NAME.
func ParseTarget(word, version string) (Target, error) {
	parts := strings.Split(word, "/")
	t := Target{Type: keyvault.Secret, Version: version}
	switch len(parts) {
	case 2:
		t.Vault, t.Name = parts[0], parts[1]
	case 3:
		t.Vault, t.Type, t.Name = parts[0], keyvault.Type(parts[1]), parts[2]
	default:
		return t, fmt.Errorf("%q: write VAULT/NAME, or VAULT/TYPE/NAME with the type secret, key or cert", text.Shorten(word))
	}
	if t.Type != keyvault.Secret && t.Type != keyvault.Key && t.Type != keyvault.Certificate {
		return t, fmt.Errorf("%q: the type is secret, key or cert", text.Shorten(word))
	}
	if problem := provider.VaultProblem(t.Vault); problem.Found() {
		return t, fmt.Errorf("%q: the vault: %s", text.Shorten(word), problem.String())
	}
	if t.Name == "" {
		return t, fmt.Errorf("%q: the object has no name", text.Shorten(word))
	}
	return t, nil
}

func (t *Target) String() string { return fmt.Sprintf("%s/%s/%s", t.Vault, t.Type, t.Name) }

// of reports whether a mount is of the object. Key Vault compares names without case.
func (t *Target) of(m *Mount) bool {
	if !strings.EqualFold(m.Vault, t.Vault) {
		return false
	}
	id := string(t.Type) + "/" + t.Name
	// Of a history the first is the newest.
	return strings.EqualFold(m.Object, id) || strings.EqualFold(m.Object, id+"/0")
}

// PodProgress is one mount of the object.
type PodProgress struct {
	Namespace, Pod string
	Progress       Progress
	// Why it is not There.
	Why string
}

// Arrival is how far a version has come at one time.
type Arrival struct {
	// Version that was waited for.
	Version string
	Mounts  []PodProgress
	// Notes report what could not be read.
	Notes []string
}

// Count is how many mounts are so far.
func (a *Arrival) Count(p Progress) int {
	n := 0
	for i := range a.Mounts {
		if a.Mounts[i].Progress == p {
			n++
		}
	}
	return n
}

// ErrNewestUnknown is of a wait without a version that cannot be looked up.
var ErrNewestUnknown = errors.New("the newest version is not known: the vault could not be asked; name it with --version")

// Arrived reads how far a version has come. The target's version is set if it was empty.
func (s *Source) Arrived(ctx context.Context, t *Target) (*Arrival, error) {
	// The notes are about what does not matter here: events, and what the driver does.
	snapshot, _, err := s.Cluster.Read(ctx)
	if err != nil {
		return nil, err
	}
	var (
		mounts []Mount
		notes  []string
	)
	for _, m := range snapshot.Mounts() {
		switch {
		case t.of(&m):
			mounts = append(mounts, m)
		case m.Vault == "" && m.reason != nil && m.reason.Code != OtherProvider:
			// Which vault it is of is not known, so it may be of this one.
			notes = append(notes, fmt.Sprintf("%s/%s, volume %s: %s", m.Namespace, m.Pod, text.Shorten(m.Volume), m.reason.Message))
		}
	}
	answers, problems := s.Vaults.Ask(ctx, mounts)
	a := &Arrival{Notes: notes}
	for i := range mounts {
		answer := Answer{}
		if ref := mounts[i].Ref; ref != nil {
			answer = answers[*ref]
		}
		if t.Version == "" {
			if answer.State == nil || answer.State.Newest() == nil {
				return nil, errors.Join(append([]error{ErrNewestUnknown}, asErrors(problems)...)...)
			}
			t.Version = answer.State.Newest().ID
		}
		progress, why := mounts[i].has(t.Version, answer.State)
		a.Mounts = append(a.Mounts, PodProgress{mounts[i].Namespace, mounts[i].Pod, progress, why})
	}
	a.Version = t.Version
	return a, nil
}

func asErrors(problems []string) []error {
	errs := make([]error, 0, len(problems))
	for _, p := range problems {
		errs = append(errs, errors.New(p))
	}
	return errs
}

// has says whether any container of a mount has an older version than one.
func (m *Mount) has(version string, state *keyvault.State) (Progress, string) {
	switch {
	case !m.recorded && m.reason == nil && !m.started:
		return There, "" // it has not started, and mounts the newest when it does
	case !m.recorded && m.reason == nil:
		return Older, "its volume was never mounted"
	case m.Mounted == nil && m.reason != nil:
		return Unseen, m.reason.Message
	case m.Mounted == nil:
		return Older, "the object is not mounted yet"
	case !strings.EqualFold(m.Mounted.Version, version) && !younger(state, m.Mounted.Version, version):
		return Older, "it has version " + text.Shorten(m.Mounted.Version)
	}
	for i := range m.outdated {
		o := &m.outdated[i]
		// What a container starts with is what was mounted before, which was made before.
		if started := o.container.started; !started.After(m.written) || madeAfter(state, version, started) {
			return Older, fmt.Sprintf("container %s keeps what it started with by %s, until it restarts", o.container.name, o.how)
		}
	}
	return There, ""
}

// madeAfter reports whether a version is known to have been made after a time.
func madeAfter(state *keyvault.State, version string, at time.Time) bool {
	if state == nil {
		return false
	}
	v := state.Version(version)
	return v != nil && v.Created.After(at)
}

// younger reports whether a version is known to be younger than another.
func younger(state *keyvault.State, version, than string) bool {
	if state == nil {
		return false
	}
	a, b := state.Version(version), state.Version(than)
	return a != nil && b != nil && a.Created.After(b.Created)
}
