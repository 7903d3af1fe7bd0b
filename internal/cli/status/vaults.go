package status

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"akv-injector/keyvault"
)

// Reader says what a vault holds; a [keyvault.Reader] does.
type Reader interface {
	Fresh(ctx context.Context, ref keyvault.Ref, maxAge time.Duration) (*keyvault.State, error)
}

// Vaults asks what the vaults say of mounted objects: once an object, side by side.
type Vaults struct {
	// Reader is nil if no vault is to be queried.
	Reader Reader
	// Timeout is the longest wait for one object.
	Timeout time.Duration
	// MaxAge is how old an answer may be that was given before.
	MaxAge time.Duration
}

// sideBySide is how many objects are asked for at a time.
const sideBySide = 16

// Ask queries the objects of all mounts. The problems report, once for each vault and
// cause, why nothing is known.
func (v *Vaults) Ask(ctx context.Context, mounts []Mount) (answers map[keyvault.Ref]Answer, problems []string) {
	answers = map[keyvault.Ref]Answer{}
	if v.Reader == nil {
		return answers, nil
	}
	var (
		group errgroup.Group
		mu    sync.Mutex
	)
	group.SetLimit(sideBySide)
	for _, q := range questions(mounts) {
		group.Go(func() error {
			state, err := v.answer(ctx, &q)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				answers[q.ref] = Answer{State: state}
				return nil
			}
			answers[q.ref] = Answer{Unknown: err.Error()}
			if text := problem(err); text != "" && !slices.Contains(problems, text) {
				problems = append(problems, text)
			}
			return nil
		})
	}
	_ = group.Wait() // none fails
	slices.Sort(problems)
	return answers, problems
}

// problem says what is wrong with a vault, and how to fix it. It is empty where a vault
// was skipped because of a problem that is reported already.
func problem(err error) string {
	unknown, ok := errors.AsType[*keyvault.UnknownError](err)
	switch {
	case !ok:
		return err.Error()
	case unknown.Reason == keyvault.Open:
		return ""
	case unknown.Reason == keyvault.NoIdentity:
		return err.Error() + ". Log in with az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential of theirs."
	}
	return err.Error() + ". " + unknown.Fix()
}

// question is an object, and the versions of it that are mounted somewhere.
type question struct {
	ref     keyvault.Ref
	mounted []string
}

func questions(mounts []Mount) []question {
	var all []question
	at := map[keyvault.Ref]int{}
	for i := range mounts {
		m := &mounts[i]
		if m.Ref == nil {
			continue
		}
		n, ok := at[*m.Ref]
		if !ok {
			n = len(all)
			at[*m.Ref] = n
			all = append(all, question{ref: *m.Ref})
		}
		if m.Mounted != nil && !slices.Contains(all[n].mounted, m.Mounted.Version) {
			all[n].mounted = append(all[n].mounted, m.Mounted.Version)
		}
	}
	return all
}

// answer asks for one object. An answer from before that does not know a mounted version is
// older than the mount, and is asked for again.
func (v *Vaults) answer(ctx context.Context, q *question) (*keyvault.State, error) {
	ctx, cancel := context.WithTimeout(ctx, v.Timeout)
	defer cancel()
	state, err := v.Reader.Fresh(ctx, q.ref, v.MaxAge)
	if err != nil || !slices.ContainsFunc(q.mounted, func(id string) bool { return state.Version(id) == nil }) {
		return state, err
	}
	if newer, err := v.Reader.Fresh(ctx, q.ref, 0); err == nil {
		return newer, nil
	}
	return state, nil
}
