package azure

import (
	"fmt"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/vault"
)

// CreateVault makes a key vault that is governed by roles, as a resource and with the
// service that answers for it. Its name is unique in all of Azure; the empty resource
// group is the default one.
func (s *Server) CreateVault(resourceGroup, name string) (arm.Vault, error) {
	s.vaultChanges.Lock()
	defer s.vaultChanges.Unlock()
	if _, err := s.subscription.Vault(name); err == nil {
		return arm.Vault{}, &arm.Error{Code: "VaultAlreadyExists", Message: fmt.Sprintf(
			"The vault name '%s' is already in use. Vault names are globally unique so it is possible that the name is already taken.", name)}
	}
	if err := s.vaults.CreateVault(name); err != nil {
		return arm.Vault{}, &arm.Error{Code: "VaultNameNotValid", Message: err.Error()}
	}
	return s.subscription.AddVault(resourceGroup, name), nil
}

// DeleteVault removes a vault with its contents and the roles assigned there. Its name
// no longer resolves.
func (s *Server) DeleteVault(name string) error {
	s.vaultChanges.Lock()
	defer s.vaultChanges.Unlock()
	found, err := s.subscription.Vault(name)
	if err != nil {
		return err
	}
	if err := s.vaults.DeleteVault(found.Name); err != nil {
		return err
	}
	s.subscription.RemoveVault(name)
	return nil
}

// SetVaultFault makes a vault fail; nil ends the fault.
func (s *Server) SetVaultFault(name string, fault *faults.Fault) error {
	found, err := s.subscription.Vault(name)
	if err != nil {
		return err
	}
	return s.vaults.SetFault(found.Name, fault)
}

// resource is a vault as Key Vault's refusals name it.
func (s *Server) resource(name string) vault.Resource {
	found, err := s.subscription.Vault(name)
	if err != nil {
		return vault.Resource{ID: name} // it has just been deleted
	}
	return vault.Resource{ID: found.ID, Location: found.Location}
}
