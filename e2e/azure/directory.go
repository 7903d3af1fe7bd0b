package azure

import (
	"strings"
	"sync"

	"github.com/google/uuid"

	"akv-injector/e2e/azure/cloud"
)

// directory is what an administrator has set up: identities, vaults as resources,
// and who may do what. Names are compared without case, as Resource Manager does.
type directory struct {
	cloud        cloud.Hosts
	tenant       string
	subscription string

	mu          sync.RWMutex
	identities  map[string]*Identity // by resource id, in lower case
	vaults      map[string]*Vault    // by name, in lower case
	assignments []RoleAssignment
}

func newDirectory(hosts cloud.Hosts, tenant string) *directory {
	return &directory{
		cloud:        hosts,
		tenant:       tenant,
		subscription: uuid.NewString(),
		identities:   map[string]*Identity{},
		vaults:       map[string]*Vault{},
	}
}

func fold(name string) string { return strings.ToLower(name) }
