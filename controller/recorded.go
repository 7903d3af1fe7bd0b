package controller

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"akv-injector/inject/provider"
)

// Recorded hands the restorer the classes that the driver's records name as mounted. A class may have gone while no
// replica was there to hear of it, and its pods may have lost their label: the record is what is left of them.
type Recorded struct {
	mu      sync.Mutex
	queue   queue
	pending map[types.NamespacedName]bool
}

// NewRecorded returns a Recorded, which keeps what it hears until the restorer starts.
func NewRecorded() *Recorded { return &Recorded{pending: map[types.NamespacedName]bool{}} }

// Hear takes the class of a record.
func (r *Recorded) Hear(class types.NamespacedName) {
	if !provider.Generated(class.Name) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queue == nil {
		r.pending[class] = true
		return
	}
	r.queue.Add(reconcile.Request{NamespacedName: class})
}

// Start has the signature of a source's Start.
func (r *Recorded) Start(_ context.Context, q queue) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = q
	for class := range r.pending {
		q.Add(reconcile.Request{NamespacedName: class})
	}
	r.pending = nil
	return nil
}
