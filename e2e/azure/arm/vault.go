package arm

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Vault is a key vault as a resource; its contents are package vault's.
type Vault struct {
	ID            string            `json:"id"`
	Location      string            `json:"location"`
	Name          string            `json:"name"`
	Properties    VaultProperties   `json:"properties"`
	ResourceGroup string            `json:"resourceGroup"`
	Tags          map[string]string `json:"tags"`
	Type          string            `json:"type"`
}

// VaultProperties are what only this type of resource has.
type VaultProperties struct {
	EnableRBACAuthorization bool   `json:"enableRbacAuthorization"`
	EnableSoftDelete        bool   `json:"enableSoftDelete"`
	TenantID                string `json:"tenantId"`
	VaultURI                string `json:"vaultUri"`
}

// AddVault adds a key vault that is governed by roles. The empty resource group is the
// default one. The caller has checked the name, and that no vault has it.
func (s *Subscription) AddVault(resourceGroup, name string) Vault {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := Vault{
		ID:            fmt.Sprintf("%s/providers/Microsoft.KeyVault/vaults/%s", s.groupID(resourceGroup), name),
		Location:      defaultLocation,
		Name:          name,
		ResourceGroup: cmp.Or(resourceGroup, defaultResourceGroup),
		Tags:          map[string]string{},
		Type:          "Microsoft.KeyVault/vaults",
		Properties: VaultProperties{
			EnableRBACAuthorization: true,
			EnableSoftDelete:        true,
			TenantID:                s.tenant,
			VaultURI:                s.cloud.VaultURI(name),
		},
	}
	s.vaults[fold(name)] = &made
	return made
}

// RemoveVault removes a vault with the roles assigned there.
func (s *Subscription) RemoveVault(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.vaults, fold(name))
	s.assignments = slices.DeleteFunc(s.assignments, func(a RoleAssignment) bool { return a.at.resource == "vaults/"+fold(name) })
}

// Vault finds a vault.
func (s *Subscription) Vault(name string) (Vault, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if found := s.vaults[fold(name)]; found != nil {
		return *found, nil
	}
	return Vault{}, NotFound("The Resource 'Microsoft.KeyVault/vaults/%s' was not found.", name)
}

// Vaults lists the vaults by name.
func (s *Subscription) Vaults() []Vault {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]Vault, 0, len(s.vaults))
	for _, name := range slices.Sorted(maps.Keys(s.vaults)) {
		all = append(all, *s.vaults[name])
	}
	return all
}

// VaultScope is the scope of a whole vault.
func (s *Subscription) VaultScope(name string) (string, error) {
	found, err := s.Vault(name)
	if err != nil {
		return "", err
	}
	return found.ID, nil
}

// ObjectScope is the scope of one object of a vault, such as "secrets" and its name.
func (s *Subscription) ObjectScope(vault, kind, name string) (string, error) {
	id, err := s.VaultScope(vault)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s/%s/%s", id, kind, name), nil
}
