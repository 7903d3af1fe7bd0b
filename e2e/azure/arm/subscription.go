// Package arm stands in for Azure Resource Manager: one subscription, and in it what
// an administrator sets up for a workload. That is managed identities with their
// federated credentials, key vaults as resources, and role assignments. What is in a
// vault is package vault's, and who gets a token is package entra's; both ask here.
//
// Names are compared without case, as Resource Manager does.
package arm

import (
	"strings"
	"sync"

	"github.com/google/uuid"

	"akv-injector/e2e/azure/cloud"
)

// Subscription has all resources of the stand-in. Its methods may be called at once.
type Subscription struct {
	cloud  cloud.Hosts
	tenant string
	id     string

	mu          sync.RWMutex
	identities  map[string]*Identity // by resource id, in lower case
	vaults      map[string]*Vault    // by name, in lower case
	accounts    map[string]string    // the resource group of each storage account, by name
	clusters    map[string]*Cluster  // by group/name, in lower case
	assignments []RoleAssignment

	bindingIssuers string // where the issuers for identity bindings are
}

// New returns a subscription without resources. All that is made in it belongs to the
// tenant.
func New(hosts cloud.Hosts, tenant string) *Subscription {
	return &Subscription{
		cloud:      hosts,
		tenant:     tenant,
		id:         uuid.NewString(),
		identities: map[string]*Identity{},
		vaults:     map[string]*Vault{},
		accounts:   map[string]string{},
		clusters:   map[string]*Cluster{},
	}
}

// ID is the subscription's id, which scopes begin with.
func (s *Subscription) ID() string { return s.id }

func fold(name string) string { return strings.ToLower(name) }
