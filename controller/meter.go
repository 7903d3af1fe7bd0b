package controller

import (
	"context"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// Meter counts the pods of each generated class, and so knows how many calls to each vault they have made each time that the
// driver asks for their volumes. Pods with classes that were written by hand are not counted: what is in these is not kept.
type Meter struct {
	mu sync.Mutex
	// classes by name: the name stands for the content, in whatever namespace.
	classes map[string]*metered
	synced  func() bool
}

type metered struct {
	pods, calls int
	vault       facts.VaultRef
	// read is set once the content is known.
	read bool
}

// NewMeter returns a Meter that knows nothing yet.
func NewMeter() *Meter { return &Meter{classes: map[string]*metered{}} }

// Watch begins to count the pods of a cache.
func (m *Meter) Watch(ctx context.Context, c cache.Cache) error {
	informer, err := c.GetInformer(ctx, &corev1.Pod{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { m.count(o, 1) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			m.count(o, -1)
		},
	})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.synced = registration.HasSynced
	return nil
}

// count counts a pod that came or went. What a pod mounts never changes, so that no update counts.
func (m *Meter) count(o any, by int) {
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range namedClasses(pod) {
		c := m.classes[name]
		if c == nil {
			c = &metered{}
			m.classes[name] = c
		}
		if c.pods += by; c.pods <= 0 {
			delete(m.classes, name)
			continue
		}
		if !c.read {
			c.learn(name, pod)
		}
	}
}

// learn reads the content of a class from a pod's status.
func (c *metered) learn(name string, pod *corev1.Pod) {
	class, ok := recoverClass(name, []corev1.Pod{*pod})
	if !ok {
		return
	}
	objects, _, errs := provider.ReadObjects(class.Parameters[provider.ParamObjects], nil)
	if len(errs) > 0 {
		return
	}
	c.read, c.calls = true, provider.Calls(objects)
	c.vault = facts.VaultRef{Cloud: provider.CanonicalCloud(class.Parameters[provider.ParamCloud]), Vault: strings.ToLower(class.Vault())}
}

// Calls are those of the pods to a vault, each time. It is false until the pods are known.
func (m *Meter) Calls(vault facts.VaultRef) (calls int, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.synced == nil || !m.synced() {
		return 0, false
	}
	for _, c := range m.classes {
		if c.read && c.vault == vault {
			calls += c.pods * c.calls
		}
	}
	return calls, true
}
