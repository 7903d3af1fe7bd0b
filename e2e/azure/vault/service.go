package vault

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Caller is who a token was given to, with the names of the token's claims.
type Caller struct {
	AppID    string // appid: the client id
	ObjectID string // oid: the principal, which roles are assigned to
	Issuer   string // iss
}

// Resource is a vault as Resource Manager knows it, for texts that name it.
type Resource struct {
	ID       string // /subscriptions/…/vaults/NAME
	Location string
}

// Config is what a [Service] asks of its surroundings. The functions may be
// called many times at once, and may call the service back.
type Config struct {
	// Authenticate verifies a bearer token for Key Vault's audience, such as
	// "https://vault.azure.net", and gives the caller. The error's text goes to
	// the caller. Nil refuses every token.
	Authenticate func(ctx context.Context, bearer, audience string) (Caller, error)
	// Allowed reports whether the principal may do a data action, such as
	// "Microsoft.KeyVault/vaults/secrets/getSecret/action", at a scope: the vault's
	// name, and "secrets/NAME" or "" for the vault itself. NAME is as the request
	// has it, and names of objects have no case. Nil allows nothing.
	Allowed func(principal, vault, object, action string) bool
	// Resource finds a vault of the service. Nil knows none, and refusals then name
	// the vault alone.
	Resource func(vault string) Resource
	// TenantID and LoginEndpoint, such as "https://login.microsoftonline.com", tell
	// clients where to get a token.
	TenantID      string
	LoginEndpoint string
	// Created hears of each new version of a secret or key, and of a certificate once for
	// all its parts. It is called with a lock held, and must not wait. Nil hears nothing.
	Created func(vault string, kind Kind, name, version string)
	// Now is the clock of what is stored; nil is time.Now. A fault's delay runs
	// on the real one.
	Now func() time.Time
}

// Service serves every vault, as an [net/http.Handler] and through its methods. A
// vault answers in the public cloud and in the sovereign ones, under
// NAME.vault.azure.net, NAME.vault.usgovcloudapi.net, NAME.vault.azure.cn and
// NAME.vault.microsoftazure.de.
type Service struct {
	config Config

	mu     sync.Mutex // of the vaults and what is in them
	vaults map[string]*contents
	seq    uint64 // of versions, in the order they were made

	faults faultTable
	audit  audit
}

// New makes a service without vaults.
func New(config Config) *Service {
	if config.Authenticate == nil {
		config.Authenticate = func(context.Context, string, string) (Caller, error) {
			return Caller{}, fmt.Errorf("this vault trusts no issuer of tokens")
		}
	}
	if config.Allowed == nil {
		config.Allowed = func(string, string, string, string) bool { return false }
	}
	if config.Resource == nil {
		config.Resource = func(vault string) Resource { return Resource{ID: vault} }
	}
	if config.Created == nil {
		config.Created = func(string, Kind, string, string) {}
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Service{config: config, vaults: map[string]*contents{}}
}

// vaultName is Azure's rule, but for the hyphens that vaultNameOK counts.
var vaultName = regexp.MustCompile(`^[A-Za-z][-A-Za-z0-9]{1,22}[A-Za-z0-9]$`)

func vaultNameOK(name string) bool {
	return vaultName.MatchString(name) && !strings.Contains(name, "--")
}

// CreateVault makes an empty vault.
func (s *Service) CreateVault(name string) error {
	if !vaultNameOK(name) {
		return fmt.Errorf("vault %q: the name must be 3-24 letters, digits and single hyphens, begin with a letter and end with a letter or digit", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.vaults[fold(name)]; ok {
		return fmt.Errorf("vault %q: there is a vault %q already: choose another name, or delete it first", name, v.name)
	}
	s.vaults[fold(name)] = newContents(name)
	return nil
}

// DeleteVault removes a vault with all that is in it, at once and for good. Its
// fault goes too: hanging requests are answered that there is no such vault.
func (s *Service) DeleteVault(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.vault(name); err != nil {
		return err
	}
	delete(s.vaults, fold(name))
	s.faults.set(fold(name), nil)
	return nil
}

// Vaults gives the names of all vaults, sorted.
func (s *Service) Vaults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.vaults))
	for _, v := range s.vaults {
		names = append(names, v.name)
	}
	slices.Sort(names)
	return names
}

// HasVault reports whether there is such a vault. Case does not matter: names are
// DNS labels.
func (s *Service) HasVault(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.vaults[fold(name)]
	return ok
}

// vault finds a vault for the methods of the Go API. It wants s.mu held.
func (s *Service) vault(name string) (*contents, error) {
	v, ok := s.vaults[fold(name)]
	if !ok {
		return nil, fmt.Errorf("vault %q: there is no such vault: create it first", name)
	}
	return v, nil
}

// fold makes names comparable: of vaults, as DNS has it, and of the objects in
// them, as Key Vault has it.
func fold(name string) string { return strings.ToLower(name) }
