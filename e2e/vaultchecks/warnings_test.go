package vaultchecks_test

import (
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
)

// told collects the API server's warnings.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (w *told) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, text)
}

// warned is a client whose warnings can be read.
func (p *program) warned(t *testing.T) (*[]string, client.Client) {
	t.Helper()
	w := &told{}
	config := rest.CopyConfig(p.Config)
	config.WarningHandler = w
	api, err := client.New(config, client.Options{Scheme: cluster.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return &w.lines, api
}
