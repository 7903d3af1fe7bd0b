package facts

import (
	"slices"
	"strings"
	"time"

	"akv-injector/inject/provider"
)

// VaultObject is an object that a vault can be queried for. Equal objects are equal
// values: vaults and names are in lower case, since Key Vault compares them without case.
type VaultObject struct {
	Cloud, Vault string
	// Type is secret, key or cert.
	Type string
	Name string
	// Version to query; empty is the newest.
	Version string
}

// NewVaultObject is the VaultObject of an object in a vault.
func NewVaultObject(cloud, vault string, o provider.Object) VaultObject {
	return VaultObject{
		Cloud: provider.CanonicalCloud(cloud), Vault: strings.ToLower(vault),
		Type: o.Type, Name: strings.ToLower(o.Name), Version: strings.ToLower(o.Version),
	}
}

// MarshalText lets facts be written as JSON, where keys of maps are text.
func (o VaultObject) MarshalText() ([]byte, error) {
	return []byte(o.Cloud + "/" + o.Vault + "/" + o.Type + "/" + o.Name + "@" + o.Version), nil
}

// VaultAnswer is a vault's answer about an object.
type VaultAnswer struct {
	// Versions of the object, the newest first; empty if there is no such object.
	Versions []VaultVersion
	// Partial is set if there are more versions, of which one may be the newest.
	Partial bool
	// Unknown is the reason, without a full stop, why there is no answer, and UnknownFix
	// is how to fix that. Both are empty if there is an answer.
	Unknown, UnknownFix string
	// Names of the vault's objects of this type, if they may be disclosed.
	Names []string
}

// VaultVersion is a version of an object. A zero NotBefore or Expires is no bound.
type VaultVersion struct {
	ID                          string
	Enabled                     bool
	Created, NotBefore, Expires time.Time
}

// Doubtful reports whether an answer shows a fault of the object. A caller that would refuse
// because of it should first check that the answer is not an old one.
func (o VaultObject) Doubtful(a VaultAnswer, now time.Time) bool {
	return a.Unknown == "" && o.Fault(a, now).Kind != Faultless
}

// Fault is what is wrong with an object in its vault.
type Fault struct {
	Kind FaultKind
	// At is when it expired, or becomes valid.
	At time.Time
}

// FaultKind is the kind of a Fault.
type FaultKind int

// Kinds of faults.
const (
	Faultless FaultKind = iota
	Missing
	VersionMissing
	Disabled
	Expired
	NotYetValid
)

// Fault is what is wrong with the version that a mount gets. Times of Key Vault are in whole
// seconds, so several versions may be the newest: one of them without a fault is enough.
func (o VaultObject) Fault(a VaultAnswer, now time.Time) Fault {
	var first Fault
	for i, v := range o.Candidates(a) {
		f := v.Fault(now)
		if f.Kind == Faultless {
			return f
		}
		if i == 0 {
			first = f
		}
	}
	switch {
	case first.Kind != Faultless:
		return first
	case len(a.Versions) == 0:
		return Fault{Kind: Missing}
	case o.Version != "" && !a.Partial:
		return Fault{Kind: VersionMissing}
	}
	return Fault{} // not known
}

// Candidates are the versions of which a mount gets one.
func (o VaultObject) Candidates(a VaultAnswer) []VaultVersion {
	if o.Version != "" {
		i := slices.IndexFunc(a.Versions, func(v VaultVersion) bool { return strings.EqualFold(v.ID, o.Version) })
		if i < 0 {
			return nil
		}
		return a.Versions[i : i+1]
	}
	if a.Partial {
		return nil
	}
	n := 0
	for n < len(a.Versions) && a.Versions[n].Created.Equal(a.Versions[0].Created) {
		n++
	}
	return a.Versions[:n]
}

// Fault is what is wrong with the version.
func (v *VaultVersion) Fault(now time.Time) Fault {
	switch {
	case !v.Enabled:
		return Fault{Kind: Disabled}
	case !v.Expires.IsZero() && !now.Before(v.Expires):
		return Fault{Kind: Expired, At: v.Expires}
	case now.Before(v.NotBefore):
		return Fault{Kind: NotYetValid, At: v.NotBefore}
	}
	return Fault{}
}

// Expiry is when the version that a mount gets expires: the latest time if there are several
// candidates, zero if it never expires.
func (o VaultObject) Expiry(a VaultAnswer) time.Time {
	var latest time.Time
	for i, v := range o.Candidates(a) {
		if v.Expires.IsZero() {
			return time.Time{}
		}
		if i == 0 || v.Expires.After(latest) {
			latest = v.Expires
		}
	}
	return latest
}
