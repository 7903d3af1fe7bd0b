package webhook

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

func TestProbes(t *testing.T) {
	logs := &logLines{}
	p := NewProbes(logs.logger())
	var certificate, crd error
	p.Add("certificate", func(*http.Request) error { return certificate })
	p.Add("controllers", func(*http.Request) error { return crd })
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	certificate, crd = errors.New("no tls.crt"), errors.New("no CRD")
	steps := []struct {
		certificate, crd error
		code             int
		body             string
	}{
		{errors.New("no tls.crt"), errors.New("no CRD"), 503, "not ready\ncertificate: no tls.crt\ncontrollers: no CRD\n"},
		{nil, errors.New("no CRD"), 503, "not ready\ncontrollers: no CRD\n"},
		{nil, nil, 200, "ok\n"},
		{nil, nil, 200, "ok\n"},
		{errors.New("expired"), nil, 503, "not ready\ncertificate: expired\n"},
	}
	for i, s := range steps {
		certificate, crd = s.certificate, s.crd
		if code, body := get("/readyz"); code != s.code || body != s.body {
			t.Errorf("step %d: %d %q, want %d %q", i, code, body, s.code, s.body)
		}
		if code, _ := get("/healthz"); code != 200 {
			t.Errorf("step %d: /healthz is %d", i, code)
		}
	}
	if n := len(logs.lines); n != 4 {
		t.Errorf("%d lines, want one a change:\n%s", n, logs.all())
	}
}

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
		"error":   {informers: informers{err: errTimeout}, says: "cannot be filled: context deadline"},
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
