package keyvault

import (
	"errors"
	"strings"

	"akv-injector/inject/facts"
)

// Answer is what the engine takes from a state, or from the error in its place, about an
// object.
func Answer(o facts.VaultObject, state *State, err error) facts.VaultAnswer {
	if err != nil {
		unknown, ok := errors.AsType[*UnknownError](err)
		if !ok {
			unknown = &UnknownError{Reason: ReasonOf(err)}
		}
		return facts.VaultAnswer{Unknown: "it " + unknown.Why(), UnknownFix: unknown.Fix()}
	}
	answer := facts.VaultAnswer{Partial: state.Truncated}
	for i := range state.Versions {
		v := &state.Versions[i]
		// An object may have hundreds of versions, of which few count: those that may be
		// the newest, and the one that it is pinned to.
		if i == 0 || v.Created.Equal(state.Versions[0].Created) || o.Version != "" && strings.EqualFold(v.ID, o.Version) {
			answer.Versions = append(answer.Versions, facts.VaultVersion{
				ID: v.ID, Enabled: v.Enabled, Created: v.Created, NotBefore: v.NotBefore, Expires: v.Expires,
			})
		}
	}
	return answer
}
