package serving

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type informers struct {
	informer cache.Informer
	err      error
}

func (i informers) GetInformer(context.Context, client.Object, ...cache.InformerGetOption) (cache.Informer, error) {
	return i.informer, i.err
}

type informer struct {
	cache.Informer
	synced, stopped bool
}

func (i informer) HasSynced() bool { return i.synced }
func (i informer) IsStopped() bool { return i.stopped }

func TestSynced(t *testing.T) {
	noMatch := &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "SecretProviderClass"}}
	cases := map[string]struct {
		informers informers
		fix       string
		says      []string
	}{
		"synced":  {informers: informers{informer: informer{synced: true}}},
		"filling": {informers: informers{informer: informer{}}, says: []string{"not filled yet"}},
		"stopped": {informers: informers{informer: informer{synced: true, stopped: true}}, says: []string{"stopped"}},
		"no CRD":  {informers: informers{err: noMatch}, fix: "install it", says: []string{"does not know the kind of *v1.Pod", "; install it"}},
		"error":   {informers: informers{err: errors.New("context deadline exceeded")}, fix: "install it", says: []string{"cannot be filled: context deadline exceeded"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := Synced(c.informers, &corev1.Pod{}, c.fix)(httptest.NewRequest(http.MethodGet, "/readyz", nil))
			if (err == nil) != (c.says == nil) {
				t.Fatalf("%v, want %q", err, c.says)
			}
			for _, says := range c.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
		})
	}
}
