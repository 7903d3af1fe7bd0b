package webhook

import (
	"context"
	"net/http"

	"github.com/go-logr/logr"

	"akv-injector/inject"
)

// Paths under which the two handlers are served. The webhook configurations name
// them too.
const (
	MutatePath   = "/mutate-v1-pod"
	ValidatePath = "/validate-v1-pod"
)

// EnsureFunc makes sure that a class is in the namespace, and says in one word what
// it had to do (a metric's label).
type EnsureFunc func(ctx context.Context, namespace string, class inject.Class) (change string, err error)

// Options of New.
type Options struct {
	// Cached reads facts from the caches, Live from the API server.
	Cached, Live Getter
	// Settings are the server's, behind the pod's and the namespace's.
	Settings inject.Settings
	// OwnUser is the user name that the program itself has with the API server. Its
	// requests are let through: we never wait for ourselves. Empty is nobody's name.
	OwnUser string
	// Ensure writes a class. It must be safe to call again with the same one.
	Ensure EnsureFunc
	// Refusal tells whether an error of Ensure is a verdict (RBAC, a quota, a policy)
	// that refuses the pod, rather than a failure.
	Refusal func(error) bool
	Log     logr.Logger
	Metrics *Metrics
}

// Admission answers admission requests for pods.
type Admission struct {
	cached, live Getter
	settings     inject.Settings
	ownUser      string
	ensure       EnsureFunc
	refusal      func(error) bool
	log          logr.Logger
	metrics      *Metrics
	room         room
}

// New returns an Admission. All options but OwnUser are required.
func New(o Options) *Admission {
	return &Admission{
		cached:   o.Cached,
		live:     o.Live,
		settings: o.Settings,
		ownUser:  o.OwnUser,
		ensure:   o.Ensure,
		refusal:  o.Refusal,
		log:      o.Log,
		metrics:  o.Metrics,
		room:     newRoom(),
	}
}

// Mutate is the handler for MutatePath.
func (a *Admission) Mutate() http.Handler { return a.handler(MutatePath, a.mutate) }

// Validate is the handler for ValidatePath.
func (a *Admission) Validate() http.Handler { return a.handler(ValidatePath, a.validate) }

// Registrar takes handlers by path, as controller-runtime's webhook server does.
type Registrar interface {
	Register(path string, handler http.Handler)
}

// Register serves both handlers.
func (a *Admission) Register(r Registrar) {
	r.Register(MutatePath, a.Mutate())
	r.Register(ValidatePath, a.Validate())
}
