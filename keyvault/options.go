package keyvault

import (
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
)

// Options of New. Only Credential is required.
type Options struct {
	// Credential makes the identity to ask with.
	Credential CredentialFunc
	// Transport carries the calls; nil is one of the reader's own, with the proxy of the
	// environment.
	Transport policy.Transporter
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Registerer takes the metrics; nil registers none.
	Registerer prometheus.Registerer
	// Log receives faults in the SDK, without any text from a vault; the zero
	// Logger discards them.
	Log logr.Logger

	// CallTimeout bounds all calls for one question, whoever waits for the answer; 0 is
	// DefaultCallTimeout. Callers wait no longer than their own contexts.
	CallTimeout time.Duration
	// CacheTime is how long it is believed that an object is there, and AbsentTime that
	// it is not; 0 are the defaults. Each answer is kept up to a fifth longer or shorter,
	// so that those that came together do not go together.
	CacheTime, AbsentTime time.Duration
	// MaxAnswers bounds the cache; 0 is DefaultMaxAnswers. The answer that was not asked
	// for longest goes.
	MaxAnswers int
	// CallsPerSecond and Burst limit the calls to one vault; 0 are the defaults.
	CallsPerSecond float64
	Burst          int
	// MaxPages bounds the calls for one question; 0 is DefaultMaxPages. A page has 25
	// versions or names.
	MaxPages int
	// UserAgent goes before the SDK's own, at most 24 characters; empty is none.
	UserAgent string
}

// Defaults of Options. Key Vault takes 4,000 calls in 10 s and vault (limits of 2026),
// all its callers together: ours leave the room to the workloads.
const (
	DefaultCallTimeout    = 5 * time.Second
	DefaultCacheTime      = 5 * time.Minute
	DefaultAbsentTime     = 12 * time.Second
	DefaultMaxAnswers     = 4096
	DefaultCallsPerSecond = 20
	DefaultBurst          = 100
	DefaultMaxPages       = 20
)
