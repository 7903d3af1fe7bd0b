package refresh

import (
	"context"
	"time"

	"akv-injector/keyvault"
)

// Vaults asks Key Vaults for metadata; a keyvault.Reader is one.
type Vaults interface {
	Fresh(ctx context.Context, ref keyvault.Ref, maxAge time.Duration) (*keyvault.State, error)
}

// lookTimeout is for one question.
const lookTimeout = 10 * time.Second

// ask asks a vault for the versions of an object. It is nil if the newest is not known.
func ask(ctx context.Context, v Vaults, o Object, now func() time.Time) *Versions {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	at := now()
	state, err := v.Fresh(ctx, keyvault.Ref{Cloud: o.Cloud, Vault: o.Vault, Type: keyvault.Type(o.Type), Name: o.Name}, 0)
	if err != nil || state.Truncated {
		return nil
	}
	out := &Versions{At: at}
	newest := state.Newest()
	if newest == nil {
		return out // deleted: pods keep what they have
	}
	out.Created, out.Expires = newest.Created, newest.Expires
	// Keys and certificates are given out though they are disabled.
	out.Disabled = o.Type == string(keyvault.Secret)
	for i := range state.Versions {
		version := &state.Versions[i]
		if !version.Created.Equal(newest.Created) {
			continue
		}
		out.Newest = append(out.Newest, version.ID)
		out.Disabled = out.Disabled && !version.Enabled
	}
	return out
}
