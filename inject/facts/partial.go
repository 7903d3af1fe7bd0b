package facts

import "context"

// Partial is embedded in sources that do not know who may use an identity, and how often vaults are asked.
type Partial struct{}

// MayUse is not known.
func (Partial) MayUse(context.Context, Use) (Permission, error) { return Denied, ErrUnknown }

// Calls are not known.
func (Partial) Calls(context.Context, VaultRef) (int, error) { return 0, ErrUnknown }
