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
		says      string
	}{
		"synced":  {informers: informers{informer: informer{synced: true}}},
		"filling": {informers: informers{informer: informer{}}, says: "not filled yet"},
		"stopped": {informers: informers{informer: informer{synced: true, stopped: true}}, says: "stopped"},
		"no CRD":  {informers: informers{err: noMatch}, says: "AKV016"},
		"error":   {informers: informers{err: errors.New("context deadline exceeded")}, says: "cannot be filled: context deadline"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := Synced(c.informers, &corev1.Pod{})(httptest.NewRequest(http.MethodGet, "/readyz", nil))
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}
