package webhook

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// Paths under which the handlers are served. The webhook configurations name them too.
const (
	MutatePath           = "/mutate-v1-pod"
	ValidatePath         = "/validate-v1-pod"
	ValidateWorkloadPath = "/validate-v1-workload"
	ValidateClassPath    = "/validate-v1-secretproviderclass"
)

// EnsureFunc makes sure that a class is in the namespace, and says in one word what
// it had to do (a metric's label).
type EnsureFunc func(ctx context.Context, namespace string, class provider.Class) (change string, err error)

// DriverFunc returns the flags of the CSI driver, or nil if they are not known. It must not wait.
type DriverFunc func(ctx context.Context) *provider.Driver

// MountedByFunc names the pods that mount a class and have not finished.
type MountedByFunc func(ctx context.Context, namespace, class string) ([]string, error)

// SyncedByFunc names, for each of the Secrets, the namespace's classes that sync it, from a cache.
type SyncedByFunc func(ctx context.Context, namespace string, secrets []string) (map[string][]string, error)

// MayUseFunc returns whether an account of the namespace may use an identity through an identity binding.
type MayUseFunc func(ctx context.Context, namespace string, use facts.Use) (facts.Permission, error)

// CallsFunc returns how many calls the pods in the cluster have made to a vault each time. It must not wait.
type CallsFunc func(vault facts.VaultRef) (calls int, known bool)

// Options of New.
type Options struct {
	// Cached reads facts from the caches, Live from the API server.
	Cached, Live Getter
	Driver       DriverFunc
	MountedBy    MountedByFunc
	// SyncedBy is nil if that is not known.
	SyncedBy SyncedByFunc
	// MayUse is nil if that is not known.
	MayUse MayUseFunc
	// Calls is nil if that is not known.
	Calls CallsFunc
	// Vaults are asked where a namespace or the settings want it.
	Vaults Vaults
	// VaultBudget is how long an admission waits for them at most; 0 is
	// DefaultVaultBudget.
	VaultBudget time.Duration
	// VaultHints makes the finding of a misspelt object name name similar objects of the vault.
	VaultHints bool
	// Settings are the server's, behind the pod's and the namespace's.
	Settings inject.Settings
	// MountedGate reports whether readiness gates can be opened; nil is never.
	MountedGate func() bool
	// ExtraWorkloads are kinds of other API groups whose templates are checked.
	ExtraWorkloads []workload.Extra
	// OwnUser is the user name that the program itself has with the API server. Its
	// requests are let through: we never wait for ourselves. Empty matches no user.
	OwnUser string
	// Ensure writes a class. It must be safe to call again with the same one.
	Ensure EnsureFunc
	// Refusal reports whether an error of Ensure is a verdict (RBAC, a quota, a policy)
	// that refuses the pod, rather than a failure.
	Refusal func(error) bool
	Log     logr.Logger
	Metrics *Metrics
}

// Admission answers admission requests for pods, for the workloads that make them, and
// for the SecretProviderClasses that they mount.
type Admission struct {
	cached, live Getter
	driver       DriverFunc
	mountedBy    MountedByFunc
	syncedBy     SyncedByFunc
	mayUse       MayUseFunc
	calls        CallsFunc
	vaults       Vaults
	vaultBudget  time.Duration
	vaultHints   bool
	now          func() time.Time
	given        inject.Settings
	mountedGate  func() bool
	extra        []workload.Extra
	ownUser      string
	ensure       EnsureFunc
	refusal      func(error) bool
	log          logr.Logger
	metrics      *Metrics
	// bodies and work bound what is read and what is worked on at a time.
	bodies  bodyQueues
	work    *queue
	classes *classContents
}

// New returns an Admission. All options but OwnUser, VaultBudget and VaultHints are required.
func New(o Options) *Admission {
	return &Admission{
		cached:      o.Cached,
		live:        o.Live,
		driver:      o.Driver,
		mountedBy:   o.MountedBy,
		syncedBy:    o.SyncedBy,
		mayUse:      o.MayUse,
		calls:       o.Calls,
		vaults:      o.Vaults,
		vaultBudget: cmp.Or(o.VaultBudget, DefaultVaultBudget),
		vaultHints:  o.VaultHints,
		now:         time.Now,
		given:       o.Settings,
		mountedGate: o.MountedGate,
		extra:       o.ExtraWorkloads,
		ownUser:     o.OwnUser,
		ensure:      o.Ensure,
		refusal:     o.Refusal,
		log:         o.Log,
		metrics:     o.Metrics,
		bodies:      newBodyQueues(),
		work:        newWorkQueue(),
		classes:     newClassContents(),
	}
}

// settings are the server's now.
func (a *Admission) settings() inject.Settings {
	s := a.given
	s.MountedGate = a.mountedGate != nil && a.mountedGate()
	return s
}

// Mutate is the handler for MutatePath.
func (a *Admission) Mutate() http.Handler {
	return a.handler(route{path: MutatePath, kinds: pods(), operations: onCreate, judge: a.answerMutation, ofPods: true})
}

// Validate is the handler for ValidatePath.
func (a *Admission) Validate() http.Handler {
	return a.handler(route{path: ValidatePath, kinds: pods(), operations: onCreate, judge: a.answerPod, ofPods: true})
}

// ValidateWorkload is the handler for ValidateWorkloadPath.
func (a *Admission) ValidateWorkload() http.Handler {
	return a.handler(route{path: ValidateWorkloadPath, kinds: append(workloads(), extraWorkloads(a.extra)...), operations: onWrite, judge: a.answerWorkload})
}

// ValidateClass is the handler for ValidateClassPath.
func (a *Admission) ValidateClass() http.Handler {
	return a.handler(route{path: ValidateClassPath, kinds: classKinds(), operations: onWriteOrDelete, judge: a.answerClass})
}

// What paths are asked about.
var (
	onCreate        = []admissionv1.Operation{admissionv1.Create}
	onWrite         = []admissionv1.Operation{admissionv1.Create, admissionv1.Update}
	onWriteOrDelete = []admissionv1.Operation{admissionv1.Create, admissionv1.Update, admissionv1.Delete}
)

// Registrar takes handlers by path, as controller-runtime's webhook server does.
type Registrar interface {
	Register(path string, handler http.Handler)
}

// Register serves all handlers.
func (a *Admission) Register(r Registrar) {
	r.Register(MutatePath, a.Mutate())
	r.Register(ValidatePath, a.Validate())
	r.Register(ValidateWorkloadPath, a.ValidateWorkload())
	r.Register(ValidateClassPath, a.ValidateClass())
}
