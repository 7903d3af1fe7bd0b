package keyvault

import (
	"fmt"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// callsAtOnce bounds the calls to one vault that are under way together.
const callsAtOnce = 8

// vault is one vault as seen from here.
type vault struct {
	// label of the vault in metrics.
	label   string
	breaker *breaker
	limiter *rate.Limiter
	room    *semaphore.Weighted

	mu sync.Mutex
	// clients are nil as long as there is no identity to make them with.
	clients *clients
}

// clients are the SDK's. Each learns from its first call where to get a token.
type clients struct {
	secrets      *azsecrets.Client
	keys         *azkeys.Client
	certificates *azcertificates.Client
}

// dial makes the clients of a vault. It makes no call.
func dial(url string, credential azcore.TokenCredential, options policy.ClientOptions) (*clients, error) {
	var c clients
	var err error
	if c.secrets, err = azsecrets.NewClient(url, credential, &azsecrets.ClientOptions{ClientOptions: options}); err != nil {
		return nil, fmt.Errorf("client for secrets: %w", err)
	}
	if c.keys, err = azkeys.NewClient(url, credential, &azkeys.ClientOptions{ClientOptions: options}); err != nil {
		return nil, fmt.Errorf("client for keys: %w", err)
	}
	if c.certificates, err = azcertificates.NewClient(url, credential, &azcertificates.ClientOptions{ClientOptions: options}); err != nil {
		return nil, fmt.Errorf("client for certificates: %w", err)
	}
	return &c, nil
}
