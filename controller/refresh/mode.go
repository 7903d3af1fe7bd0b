package refresh

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"akv-injector/inject/provider"
	"akv-injector/keyvault"
)

// Modes of --rotation.
const (
	// ModeOff does nothing.
	ModeOff = "off"
	// ModeObserve learns of new versions and measures, and changes no pod.
	ModeObserve = "observe"
	// ModeDrive nudges pods.
	ModeDrive = "drive"
)

// Modes are all of them.
func Modes() []string { return []string{ModeOff, ModeObserve, ModeDrive} }

// DefaultNudges is the nudges a second unless a flag says otherwise. Each is a write to the API
// server, and has a pod's objects fetched from their vaults.
const DefaultNudges = 20

// overloaded is the load above which the log says that intervals are longer than asked for.
const overloaded = 1.05

// nodeShare is the nudges a second of one node's pods. 50 pods of a node that were nudged at once
// had the new version within 0.2 to 2.1 s (driver 1.6.0, two processors).
const nodeShare = 10

// Options of New.
type Options struct {
	Mode string
	// Nudges a second; 0 is DefaultNudges.
	Nudges float64
	// AllowedVaults is the fence of namespaces that have none.
	AllowedVaults string
	// OwnNamespace is where the program runs: the annotation that stops rotation there stops
	// it everywhere. It may be empty.
	OwnNamespace string
	// Driver returns the driver's flags, nil while they are not known.
	Driver func() *provider.Driver
	// Vaults to ask for versions; nil asks none.
	Vaults Vaults
	// CallsPerVault is how many calls a second Vaults makes to one vault at most; 0 is
	// keyvault.DefaultCallsPerSecond.
	CallsPerVault float64
	// ExpiryWarning is how long before an object expires it is counted as expiring.
	ExpiryWarning time.Duration
	// Heard is told of the class of each record; it may be nil.
	Heard func(class types.NamespacedName)
	// Clock is time.Now if it is nil.
	Clock func() time.Time
	// Registry takes the metrics; nil is the one that the manager serves.
	Registry prometheus.Registerer
}

func (o Options) withDefaults() Options {
	o.Nudges = cmp.Or(o.Nudges, DefaultNudges)
	o.CallsPerVault = cmp.Or(o.CallsPerVault, keyvault.DefaultCallsPerSecond)
	if o.Driver == nil {
		o.Driver = func() *provider.Driver { return nil }
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Registry == nil {
		o.Registry = ctrlmetrics.Registry
	}
	return o
}
