package arm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// RoleAssignment gives a principal a role at a scope and below.
type RoleAssignment struct {
	ID                 string `json:"id"`
	Name               string `json:"name"`
	PrincipalID        string `json:"principalId"`
	PrincipalType      string `json:"principalType"`
	RoleDefinitionID   string `json:"roleDefinitionId"`
	RoleDefinitionName string `json:"roleDefinitionName"`
	Scope              string `json:"scope"`
	Type               string `json:"type"`

	role *role
	at   scope
}

// AssignRole assigns a role, by name or id, to an assignee, which is the principal id
// or the client id of an identity. The scope is a resource id; see
// [Subscription.VaultScope] and [Subscription.ObjectScope]. An assignment that exists
// is returned as it is.
func (s *Subscription) AssignRole(roleName, assignee, scopeID string) (RoleAssignment, error) {
	return s.AssignRoleAs("", roleName, assignee, scopeID)
}

// AssignRoleAs is AssignRole with the assignment's name, a GUID; the empty one is random.
func (s *Subscription) AssignRoleAs(name, roleName, assignee, scopeID string) (RoleAssignment, error) {
	if name != "" && uuid.Validate(name) != nil {
		return RoleAssignment{}, BadRequest("The role assignment ID '%s' is not valid. The role assignment ID must be a GUID.", name)
	}
	role, err := findRole(roleName)
	if err != nil {
		return RoleAssignment{}, err
	}
	at, err := parseScope(scopeID)
	if err != nil {
		return RoleAssignment{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.subscription != fold(s.id) {
		return RoleAssignment{}, NotFound("The subscription '%s' could not be found.", at.subscription)
	}
	if name, ok := strings.CutPrefix(at.resource, "vaults/"); ok && (s.vaults[name] == nil || fold(s.vaults[name].ResourceGroup) != at.group) {
		return RoleAssignment{}, NotFound("The Resource 'Microsoft.KeyVault/vaults/%s' under resource group '%s' was not found.", name, at.group)
	}
	if name, ok := strings.CutPrefix(at.resource, "storageaccounts/"); ok && (s.accounts[name] == "" || fold(s.accounts[name]) != at.group) {
		return RoleAssignment{}, NotFound("The Resource 'Microsoft.Storage/storageAccounts/%s' under resource group '%s' was not found.", name, at.group)
	}
	principal, err := s.principal(assignee)
	if err != nil {
		return RoleAssignment{}, err
	}
	for _, existing := range s.assignments {
		if existing.role == role && existing.at == at && existing.PrincipalID == principal {
			return existing, nil
		}
		if name != "" && existing.Name == name {
			return RoleAssignment{}, Conflict("Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
		}
	}
	made := RoleAssignment{
		Name:               cmp.Or(name, uuid.NewString()),
		PrincipalID:        principal,
		PrincipalType:      "ServicePrincipal",
		RoleDefinitionID:   fmt.Sprintf("/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/%s", s.id, role.id),
		RoleDefinitionName: role.name,
		Scope:              scopeID,
		Type:               "Microsoft.Authorization/roleAssignments",
		role:               role,
		at:                 at,
	}
	made.ID = fmt.Sprintf("%s/providers/%s/%s", strings.TrimSuffix(scopeID, "/"), made.Type, made.Name)
	s.assignments = append(s.assignments, made)
	return made, nil
}

// RoleAssignments lists all assignments, the oldest first.
func (s *Subscription) RoleAssignments() []RoleAssignment {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]RoleAssignment{}, s.assignments...)
}

// UnassignRole removes the assignments of an assignee. An empty role is any role, an
// empty scope any scope. It is no error if none matched, as for az.
func (s *Subscription) UnassignRole(roleName, assignee, scopeID string) error {
	var (
		role *role
		at   scope
		err  error
	)
	if roleName != "" {
		if role, err = findRole(roleName); err != nil {
			return err
		}
	}
	if scopeID != "" {
		if at, err = parseScope(scopeID); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	principal, err := s.principal(assignee)
	if err != nil {
		return err
	}
	s.assignments = slices.DeleteFunc(s.assignments, func(a RoleAssignment) bool {
		return a.PrincipalID == principal && (role == nil || a.role == role) && (scopeID == "" || a.at == at)
	})
	return nil
}

// DeleteAssignment removes an assignment by its id. It is no error if there is none, as for az.
func (s *Subscription) DeleteAssignment(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.assignments = slices.DeleteFunc(s.assignments, func(a RoleAssignment) bool { return strings.EqualFold(a.ID, id) })
}

// principal finds the principal id of an assignee. An identity that was deleted can
// still be named by its principal id, so that its assignments can be removed. It needs
// the lock held.
func (s *Subscription) principal(assignee string) (string, error) {
	for _, identity := range s.identities {
		if strings.EqualFold(identity.PrincipalID, assignee) || strings.EqualFold(identity.ClientID, assignee) {
			return identity.PrincipalID, nil
		}
	}
	for _, assignment := range s.assignments {
		if strings.EqualFold(assignment.PrincipalID, assignee) {
			return assignment.PrincipalID, nil
		}
	}
	return "", BadRequest("Cannot find user or service principal in graph database for '%s'. It is the principal id or the client id of a managed identity.", assignee)
}

// Allowed reports whether a principal may do a data action on an object of a vault
// ("secrets/NAME"), or on the vault if object is empty.
func (s *Subscription) Allowed(principal, vault, object, action string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	resource := s.vaults[fold(vault)]
	if resource == nil {
		return false
	}
	return s.may(principal, scope{fold(s.id), fold(resource.ResourceGroup), "vaults/" + fold(vault), fold(object)}, action)
}

// AllowedQueue is Allowed for a queue of a storage account.
func (s *Subscription) AllowedQueue(principal, account, queue, action string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	group := s.accounts[fold(account)]
	return group != "" && s.may(principal, scope{fold(s.id), fold(group), "storageaccounts/" + fold(account), "queues/" + fold(queue)}, action)
}

// may wants s.mu held.
func (s *Subscription) may(principal string, there scope, action string) bool {
	for _, assignment := range s.assignments {
		if strings.EqualFold(assignment.PrincipalID, principal) && assignment.at.covers(there) && assignment.role.allows(action) {
			return true
		}
	}
	return false
}
