package facts

import (
	"slices"
	"strings"
	"time"

	"akv-injector/inject/provider"
)

// VaultObject is an object that a vault can be asked about. Equal objects are equal
// values: vaults and names are in lower case, since Key Vault compares them without case.
type VaultObject struct {
	Cloud, Vault string
	// Type is secret, key or cert.
	Type string
	Name string
	// Version that is asked for; empty is the newest.
	Version string
}

// NewVaultObject is an object of a vault as a VaultObject.
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

// VaultAnswer is what a vault says of an object.
type VaultAnswer struct {
	// Versions of the object, the newest first; none says that there is no such object.
	Versions []VaultVersion
	// Partial is set where there are more versions, of which one may be the newest.
	Partial bool
	// Unknown says, without a full stop, why the vault said nothing, and UnknownFix how to
	// fix that. Both are empty where it did.
	Unknown, UnknownFix string
	// Names are those of the vault's objects of this type, where they may be told.
	Names []string
}

// VaultVersion is a version of an object. The zero NotBefore and Expires are no bound.
type VaultVersion struct {
	ID                          string
	Enabled                     bool
	Created, NotBefore, Expires time.Time
}

// Doubtful reports whether an answer finds fault with the object, so that whoever refuses
// on it should know that it is not an old one.
func (o VaultObject) Doubtful(a VaultAnswer, now time.Time) bool {
	return a.Unknown == "" && o.Fault(a, now).Kind != Faultless
}

// Fault is what is wrong with an object in its vault.
type Fault struct {
	Kind FaultKind
	// at is when it expired, or becomes valid.
	At time.Time
}

// FaultKind says what is wrong.
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

// Fault finds what is wrong with the version that a mount gets. Key Vault tells times by
// the second: of several that may be the newest, one that is in order is enough.
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

// Expiry is when the version that a mount gets expires, the latest if it is not known
// which that is; zero is never.
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
