package facts

import (
	"context"
	"errors"
	"strings"

	"akv-injector/inject/provider"
)

// Use is the use of a managed identity by a service account of the namespace, through an identity binding.
type Use struct{ Account, ClientID string }

// MarshalText lets facts be written as JSON, where keys of maps are text.
func (u Use) MarshalText() ([]byte, error) { return []byte(u.Account + "/" + u.ClientID), nil }

// Permission for a Use.
type Permission int

const (
	// Denied may change: who may use an identity is often said after the workload is applied.
	Denied Permission = iota
	Allowed
	// NotKnown means that the API server could not tell.
	NotKnown
)

// maxUses is the most permissions that are looked up for one decision.
const maxUses = 8

// addUses looks up whether the pod's account may use the identities that it reaches through bindings.
func (f *Facts) addUses(ctx context.Context, s Source, needs Needs) error {
	for _, use := range f.uses(needs) {
		if _, known := f.Uses[use]; known {
			continue
		}
		permission, err := s.MayUse(ctx, use)
		switch {
		case errors.Is(err, ErrUnknown):
			continue
		case err != nil:
			return err
		}
		if f.Uses == nil {
			f.Uses = map[Use]Permission{}
		}
		f.Uses[use] = permission
	}
	return nil
}

func (f *Facts) uses(needs Needs) []Use {
	var uses []Use
	add := func(client string) {
		if client != "" && len(uses) < maxUses && !provider.ClientIDProblem(client).Found() {
			uses = append(uses, Use{needs.Account, client})
		}
	}
	if b := needs.Binding; b != nil {
		add(f.BindingClient(needs.Account, b.ClientID))
	}
	for _, name := range needs.Classes {
		if class := f.Classes[name]; class.Azure() && provider.IsOn(class.Spec.Parameters, provider.ParamTokenProxy) {
			add(strings.TrimSpace(class.Spec.Parameters[provider.ParamClient]))
		}
	}
	return uses
}

// BindingClient is the identity of a generated class as a Use has it: the one that an annotation names, or else the
// account's. It is empty if there is none.
func (f *Facts) BindingClient(account, named string) string {
	if named == "" {
		if a := f.ServiceAccounts[account]; a != nil {
			named = a.Annotations[provider.AnnotationClientID]
		}
	}
	return strings.ToLower(strings.TrimSpace(named))
}
