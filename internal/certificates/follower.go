package certificates

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// Follower serves what the Secret has. Each replica has one.
type Follower struct {
	Options
	now func() time.Time

	mu      sync.RWMutex
	served  *tls.Certificate
	problem error
	// caEnds is when the CA that signs expires.
	caEnds time.Time
}

// NewFollower makes a follower, which has no certificate yet.
func NewFollower(o Options) *Follower {
	return &Follower{Options: o, now: time.Now, problem: errors.New("not read yet")}
}

// resync is how often what is cached is looked at again.
const resync = 10 * time.Minute

// Run follows the Secret and the webhook configurations until ctx is done. changed hears of each change.
func (f *Follower) Run(ctx context.Context, changed func()) error {
	named := func(name string) informers.SharedInformerOption {
		return informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
		})
	}
	secrets := informers.NewSharedInformerFactoryWithOptions(f.Client, resync, informers.WithNamespace(f.Namespace), named(f.Secret))
	_, err := secrets.Core().V1().Secrets().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { f.take(o); changed() }, UpdateFunc: func(_, o any) { f.take(o); changed() }, DeleteFunc: func(any) { changed() },
	})
	if err != nil {
		return err
	}
	hooks := informers.NewSharedInformerFactoryWithOptions(f.Client, resync, named(f.Webhooks))
	any := cache.ResourceEventHandlerFuncs{AddFunc: func(any) { changed() }, UpdateFunc: func(_, _ any) { changed() }, DeleteFunc: func(any) { changed() }}
	for _, informer := range []cache.SharedIndexInformer{
		hooks.Admissionregistration().V1().MutatingWebhookConfigurations().Informer(),
		hooks.Admissionregistration().V1().ValidatingWebhookConfigurations().Informer(),
	} {
		if _, err := informer.AddEventHandler(any); err != nil {
			return err
		}
	}
	secrets.Start(ctx.Done())
	hooks.Start(ctx.Done())
	<-ctx.Done()
	secrets.Shutdown()
	hooks.Shutdown()
	return nil
}

// take serves the certificate of a Secret. One that cannot be used changes nothing: the last good one is served.
func (f *Follower) take(o any) {
	secret, ok := o.(*corev1.Secret)
	if !ok {
		return
	}
	served, err := servedIn(secret)
	ca, caErr := parseCerts(secret.Data[keySignerCert])
	f.mu.Lock()
	defer f.mu.Unlock()
	f.caEnds = time.Time{}
	if caErr == nil && len(ca) > 0 {
		f.caEnds = ca[0].NotAfter
	}
	if f.problem = err; err == nil {
		f.served = served
	}
}

func servedIn(secret *corev1.Secret) (*tls.Certificate, error) {
	if len(secret.Data[keyLeafCert]) == 0 {
		return nil, fmt.Errorf("the Secret %s has no %s yet: the leader makes it when the webhook configurations have its CA", secret.Name, keyLeafCert)
	}
	p, err := parsePair(secret.Data[keyLeafCert], secret.Data[keyLeafKey])
	if err != nil {
		return nil, fmt.Errorf("the certificate in the Secret %s: %w", secret.Name, err)
	}
	return &tls.Certificate{Certificate: [][]byte{p.cert.Raw}, PrivateKey: p.key, Leaf: p.cert}, nil
}

// Get returns the certificate. It has the signature of tls.Config.GetCertificate.
func (f *Follower) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.served == nil {
		return nil, fmt.Errorf("no serving certificate: %w", f.problem)
	}
	return f.served, nil
}

// Leaf is the certificate that is served.
func (f *Follower) Leaf() (*x509.Certificate, error) {
	served, err := f.Get(nil)
	if err != nil {
		return nil, err
	}
	return served.Leaf, nil
}

// Ready is a readiness check: a certificate is served, and valid now.
func (f *Follower) Ready(*http.Request) error {
	leaf, err := f.Leaf()
	switch {
	case err != nil:
		return err
	case f.now().After(leaf.NotAfter):
		return fmt.Errorf("the serving certificate expired at %s, and the leader has made no other", leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}
