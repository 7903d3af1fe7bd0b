package webhook

import (
	"context"
	"sync"
	"time"

	"akv-injector/inject/facts"
	"akv-injector/keyvault"
)

// Vaults asks Key Vaults; a keyvault.Reader is one. What an error says is why nothing is
// known.
type Vaults interface {
	// Cached answers without waiting, if it can.
	Cached(ref keyvault.Ref) (state *keyvault.State, ok bool)
	Object(ctx context.Context, ref keyvault.Ref) (*keyvault.State, error)
	// Fresh does not take an older answer from the cache.
	Fresh(ctx context.Context, ref keyvault.Ref, maxAge time.Duration) (*keyvault.State, error)
	Names(ctx context.Context, cloud, vault string, t keyvault.Type) ([]string, error)
}

// DefaultVaultBudget is how long an admission waits for vaults, well within the 5 s of the
// webhook configurations: a pod goes through two of them.
const DefaultVaultBudget = time.Second

// staleAfter is the age from which on nothing is refused on a vault's answer: whoever was
// refused may have made the object since.
const staleAfter = time.Second

// inquiry is what one admission asks of vaults. Its time is bounded as a whole, however
// often the admission is decided on.
type inquiry struct {
	a       *Admission
	answers map[facts.VaultObject]facts.VaultAnswer
	// left is the time that there is to wait for vaults.
	left time.Duration
	// again is set where doubtful answers are asked for once more.
	again bool
	// doubtful is set once an answer found fault with an object.
	doubtful bool
}

func (a *Admission) inquiry() *inquiry { return &inquiry{a: a, left: a.vaultBudget} }

// add puts what the vaults say into the facts. It never fails: what a vault does not say
// is among the answers.
func (i *inquiry) add(ctx context.Context, f *facts.Facts, objects []facts.VaultObject) {
	if i.answers == nil {
		i.answers = make(map[facts.VaultObject]facts.VaultAnswer, len(objects))
	}
	f.Vault, f.Now = i.answers, i.a.now()
	var open []facts.VaultObject
	for _, o := range objects {
		answer, known := i.answers[o]
		if known && (!i.again || !o.Doubtful(answer, f.Now)) {
			continue
		}
		if !known && !i.again {
			if state, ok := i.a.vaults.Cached(refOf(o)); ok {
				i.put(o, keyvault.Answer(o, state, nil), f.Now)
				continue
			}
		}
		open = append(open, o)
	}
	if len(open) > 0 {
		i.ask(ctx, open, f.Now)
	}
	i.hint(ctx, objects, f.Now)
}

// ask asks about objects side by side.
func (i *inquiry) ask(ctx context.Context, objects []facts.VaultObject, now time.Time) {
	ctx, done := i.wait(ctx)
	defer done()
	answers := make([]facts.VaultAnswer, len(objects))
	var asked sync.WaitGroup
	for n, o := range objects {
		asked.Go(func() {
			var state *keyvault.State
			var err error
			if i.again {
				state, err = i.a.vaults.Fresh(ctx, refOf(o), staleAfter)
			} else {
				state, err = i.a.vaults.Object(ctx, refOf(o))
			}
			answers[n] = keyvault.Answer(o, state, err)
		})
	}
	asked.Wait()
	for n, o := range objects {
		i.put(o, answers[n], now)
	}
}

func (i *inquiry) put(o facts.VaultObject, answer facts.VaultAnswer, now time.Time) {
	i.answers[o] = answer
	i.doubtful = i.doubtful || o.Doubtful(answer, now)
}

// hint adds the names of objects that may have been meant instead of one that is missing.
func (i *inquiry) hint(ctx context.Context, objects []facts.VaultObject, now time.Time) {
	if !i.a.vaultHints || !i.doubtful {
		return
	}
	for _, o := range objects {
		answer := i.answers[o]
		if len(answer.Versions) == 0 && len(answer.Names) == 0 && o.Doubtful(answer, now) {
			answer.Names = i.names(ctx, o)
			i.answers[o] = answer
		}
	}
}

// names are those of the objects of a type. Where they do not come there is no hint, and
// nothing else is missing.
func (i *inquiry) names(ctx context.Context, o facts.VaultObject) []string {
	ctx, done := i.wait(ctx)
	defer done()
	names, err := i.a.vaults.Names(ctx, o.Cloud, o.Vault, keyvault.Type(o.Type))
	if err != nil {
		return nil
	}
	return names
}

// wait is a context for as long as the admission may wait for vaults yet. The time until
// done is called counts.
func (i *inquiry) wait(ctx context.Context) (waiting context.Context, done func()) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, i.left)
	return ctx, func() {
		cancel()
		took := time.Since(began)
		i.left -= took
		i.a.metrics.vaultWait.Observe(took.Seconds())
	}
}

func refOf(o facts.VaultObject) keyvault.Ref {
	return keyvault.Ref{Cloud: o.Cloud, Vault: o.Vault, Type: keyvault.Type(o.Type), Name: o.Name}
}
