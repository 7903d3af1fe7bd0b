package azure

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"akv-injector/e2e/azure/vault"
)

// Vault is a key vault as a resource; what is in it is package vault's.
type Vault struct {
	ID            string            `json:"id"`
	Location      string            `json:"location"`
	Name          string            `json:"name"`
	Properties    VaultProperties   `json:"properties"`
	ResourceGroup string            `json:"resourceGroup"`
	Tags          map[string]string `json:"tags"`
	Type          string            `json:"type"`
}

// VaultProperties is the part of a [Vault] that is its own.
type VaultProperties struct {
	EnableRBACAuthorization bool   `json:"enableRbacAuthorization"`
	EnableSoftDelete        bool   `json:"enableSoftDelete"`
	TenantID                string `json:"tenantId"`
	VaultURI                string `json:"vaultUri"`
}

// CreateVault makes a key vault that is governed by roles. Its name is unique in
// all of Azure; the empty resource group is the default one.
func (s *Server) CreateVault(resourceGroup, name string) (Vault, error) {
	s.vaultChanges.Lock()
	defer s.vaultChanges.Unlock()
	d := s.directory
	if _, err := d.vault(name); err == nil {
		return Vault{}, &Error{Code: "VaultAlreadyExists", Message: fmt.Sprintf(
			"The vault name '%s' is already in use. Vault names are globally unique so it is possible that the name is already taken.", name)}
	}
	if err := s.vaults.CreateVault(name); err != nil {
		return Vault{}, &Error{Code: "VaultNameNotValid", Message: err.Error()}
	}
	made := Vault{
		ID:            fmt.Sprintf("%s/providers/Microsoft.KeyVault/vaults/%s", d.groupID(resourceGroup), name),
		Location:      defaultLocation,
		Name:          name,
		ResourceGroup: cmp.Or(resourceGroup, defaultResourceGroup),
		Tags:          map[string]string{},
		Type:          "Microsoft.KeyVault/vaults",
		Properties: VaultProperties{
			EnableRBACAuthorization: true,
			EnableSoftDelete:        true,
			TenantID:                d.tenant,
			VaultURI:                d.cloud.VaultURI(name),
		},
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.vaults[fold(name)] = &made
	return made, nil
}

// DeleteVault removes a vault with what is in it and the roles assigned there. Its
// name no longer resolves.
func (s *Server) DeleteVault(name string) error {
	s.vaultChanges.Lock()
	defer s.vaultChanges.Unlock()
	d := s.directory
	found, err := d.vault(name)
	if err != nil {
		return err
	}
	if err := s.vaults.DeleteVault(found.Name); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.vaults, fold(name))
	d.assignments = slices.DeleteFunc(d.assignments, func(a RoleAssignment) bool { return a.at.vault == fold(name) })
	return nil
}

// Vaults lists the vaults by name.
func (s *Server) Vaults() []Vault {
	d := s.directory
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := make([]Vault, 0, len(d.vaults))
	for _, name := range slices.Sorted(maps.Keys(d.vaults)) {
		all = append(all, *d.vaults[name])
	}
	return all
}

// resource is a vault for Key Vault's own texts, which know no more of it.
func (d *directory) resource(name string) vault.Resource {
	found, err := d.vault(name)
	if err != nil {
		return vault.Resource{ID: name} // it has just been deleted
	}
	return vault.Resource{ID: found.ID, Location: found.Location}
}

func (d *directory) vault(name string) (Vault, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if found := d.vaults[fold(name)]; found != nil {
		return *found, nil
	}
	return Vault{}, vaultNotFound(name)
}

func vaultNotFound(name string) error {
	return notFound("The Resource 'Microsoft.KeyVault/vaults/%s' was not found.", name)
}
