package corpus

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/keyvault"
)

// Vault is what the vaults of a case say.
type Vault struct {
	// Now is the time of the case.
	Now time.Time `json:"now"`
	// Hints is set where the server may name objects.
	Hints   bool          `json:"hints"`
	Objects []VaultObject `json:"objects"`
}

// VaultObject is what a vault says when it is asked about an object.
type VaultObject struct {
	// Object is VAULT/TYPE/NAME.
	Object string `json:"object"`
	// Cloud is empty for the public one.
	Cloud string `json:"cloud"`
	// Versions, the newest first. None says that there is no such object.
	Versions []VaultVersion `json:"versions"`
	// Truncated is set where there are more.
	Truncated bool `json:"truncated"`
	// Unknown is the reason why the vault says nothing.
	Unknown keyvault.Reason `json:"unknown"`
	// Names are those of the objects of this type.
	Names []string `json:"names"`
}

// VaultVersion is a version of an object.
type VaultVersion struct {
	ID        string     `json:"id"`
	Disabled  bool       `json:"disabled"`
	Created   time.Time  `json:"created"`
	NotBefore *time.Time `json:"notBefore"`
	Expires   *time.Time `json:"expires"`
}

func (v *Vault) check() error {
	if v == nil {
		return nil
	}
	if v.Now.IsZero() {
		return fmt.Errorf("vault.now: say when the vaults are asked")
	}
	for _, o := range v.Objects {
		if len(strings.Split(o.Object, "/")) != 3 {
			return fmt.Errorf("vault.objects: %q is not VAULT/TYPE/NAME", o.Object)
		}
	}
	return nil
}

// Ref is the object as package keyvault asks about it.
func (o *VaultObject) Ref() keyvault.Ref {
	part := strings.Split(o.Object, "/")
	return keyvault.Ref{Cloud: cmp.Or(o.Cloud, provider.DefaultCloud), Vault: part[0], Type: keyvault.Type(part[1]), Name: part[2]}
}

// State is what package keyvault gives for it.
func (o *VaultObject) State(now time.Time) (*keyvault.State, error) {
	if o.Unknown != "" {
		return nil, &keyvault.UnknownError{Vault: o.Ref().Vault, Reason: o.Unknown}
	}
	state := &keyvault.State{Truncated: o.Truncated, At: now}
	for _, v := range o.Versions {
		state.Versions = append(state.Versions, keyvault.Version{
			ID: v.ID, Enabled: !v.Disabled, Created: v.Created, NotBefore: orZero(v.NotBefore), Expires: orZero(v.Expires),
		})
	}
	return state, nil
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// VaultObjects are those that the vaults are asked about for the case's object.
func (c *Case) VaultObjects() []facts.VaultObject {
	if class := c.Class(); class != nil {
		return inject.ParseClass(class, c.NamespaceObject(), c.Settings()).VaultObjects()
	}
	d := c.Decide()
	return d.VaultObjects
}

// vaultFacts are the answers to all that the vaults can be asked, by every version that
// an object may be pinned to.
func (c *Case) vaultFacts(f *facts.Facts) {
	v := c.Options.Vault
	if v == nil {
		return
	}
	f.Now, f.Vault = v.Now, map[facts.VaultObject]facts.VaultAnswer{}
	for i := range v.Objects {
		o := &v.Objects[i]
		ref := o.Ref()
		state, err := o.State(v.Now)
		for _, version := range slices.Concat([]string{""}, pinnedVersions, ids(o.Versions)) {
			object := facts.VaultObject{
				Cloud: ref.Cloud, Vault: strings.ToLower(ref.Vault), Type: string(ref.Type), Name: strings.ToLower(ref.Name), Version: version,
			}
			answer := keyvault.Answer(object, state, err)
			if v.Hints && len(answer.Versions) == 0 {
				answer.Names = o.Names
			}
			f.Vault[object] = answer
		}
	}
}

// pinnedVersions are those that cases pin objects to and vaults do not have.
var pinnedVersions = []string{"00000000000000000000000000000000"}

func ids(versions []VaultVersion) []string {
	var all []string
	for _, v := range versions {
		all = append(all, strings.ToLower(v.ID))
	}
	return all
}
