package azure

import "akv-injector/e2e/azure/arm"

// The methods below do what the methods of [arm.Subscription] of the same name do.

func (s *Server) CreateIdentity(identity arm.Identity) (arm.Identity, error) {
	return s.subscription.CreateIdentity(identity)
}

func (s *Server) Identity(resourceGroup, name string) (arm.Identity, error) {
	return s.subscription.Identity(resourceGroup, name)
}

func (s *Server) Identities() []arm.Identity { return s.subscription.Identities() }

func (s *Server) DeleteIdentity(resourceGroup, name string) error {
	return s.subscription.DeleteIdentity(resourceGroup, name)
}

func (s *Server) CreateFederatedCredential(resourceGroup, identity string, credential arm.FederatedCredential) (arm.FederatedCredential, error) {
	return s.subscription.CreateFederatedCredential(resourceGroup, identity, credential)
}

func (s *Server) FederatedCredentials(resourceGroup, identity string) ([]arm.FederatedCredential, error) {
	return s.subscription.FederatedCredentials(resourceGroup, identity)
}

func (s *Server) DeleteFederatedCredential(resourceGroup, identity, name string) error {
	return s.subscription.DeleteFederatedCredential(resourceGroup, identity, name)
}

func (s *Server) AssignRole(role, assignee, scope string) (arm.RoleAssignment, error) {
	return s.subscription.AssignRole(role, assignee, scope)
}

func (s *Server) RoleAssignments() []arm.RoleAssignment { return s.subscription.RoleAssignments() }

func (s *Server) UnassignRole(role, assignee, scope string) error {
	return s.subscription.UnassignRole(role, assignee, scope)
}

func (s *Server) AddCluster(group, name, issuer string) {
	s.subscription.AddCluster(group, name, issuer)
}

func (s *Server) BindingsIssuedBy(base string) { s.subscription.BindingsIssuedBy(base) }

func (s *Server) CreateBinding(group, cluster, name, identityID string) (arm.IdentityBinding, error) {
	return s.subscription.CreateBinding(group, cluster, name, identityID)
}

func (s *Server) Bindings(group, cluster string) ([]arm.IdentityBinding, error) {
	return s.subscription.Bindings(group, cluster)
}

func (s *Server) Bound(issuer, clientID string) bool { return s.subscription.Bound(issuer, clientID) }

func (s *Server) VaultScope(vault string) (string, error) { return s.subscription.VaultScope(vault) }

func (s *Server) ObjectScope(vault, kind, name string) (string, error) {
	return s.subscription.ObjectScope(vault, kind, name)
}

func (s *Server) Vaults() []arm.Vault { return s.subscription.Vaults() }
