package keyvault

import (
	"context"
	"time"
)

// Reader asks vaults. It is safe for concurrent use.
type Reader struct {
	options Options
}

// New returns a Reader. It calls nobody yet.
func New(o Options) *Reader { return &Reader{options: o} }

// Object says what the vault holds under a name: a cached answer, or a call. The error is
// an [*UnknownError], and concludes nothing about the object. The call goes on when ctx
// ends, so that who asks next finds its answer.
func (r *Reader) Object(ctx context.Context, ref Ref) (*State, error) {
	return nil, &UnknownError{Vault: ref.Vault, Reason: Unexpected}
}

// Fresh is Object for those whom a stale answer would harm: a cached one counts only if
// it is no older than maxAge.
func (r *Reader) Fresh(ctx context.Context, ref Ref, maxAge time.Duration) (*State, error) {
	return nil, &UnknownError{Vault: ref.Vault, Reason: Unexpected}
}

// Names lists the objects of a type in a vault, sorted; of a vault with very many, a part.
func (r *Reader) Names(ctx context.Context, cloud, vault string, t Type) ([]string, error) {
	return nil, &UnknownError{Vault: vault, Reason: Unexpected}
}
