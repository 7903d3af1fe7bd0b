package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"akv-injector/internal/cli/status"
	"akv-injector/internal/testing/apiserver"
	"akv-injector/keyvault"
)

// Files of what status reads, and the time at which they hold.
const (
	clusterFile = "testdata/status/cluster.yaml"
	vaultsFile  = "testdata/status/vaults.yaml"
	statusTime  = "2026-03-01T12:00:00Z"
	// vaultsVariable has the path of vaultsFile, for the program in the test's own binary.
	vaultsVariable = "AKV_TEST_VAULTS"
)

// fakeVaults holds versions by vault and object.
type fakeVaults map[string]map[string][]keyvault.Version

func (f fakeVaults) Fresh(_ context.Context, ref keyvault.Ref, _ time.Duration) (*keyvault.State, error) {
	objects, ok := f[ref.Vault]
	if !ok {
		return nil, &keyvault.UnknownError{Vault: ref.Vault, Reason: keyvault.Forbidden}
	}
	return &keyvault.State{Versions: objects[string(ref.Type)+"/"+ref.Name]}, nil
}

// standInForAzure puts a file's word in the place of vaults, at the time at which it holds.
func standInForAzure(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var vaults fakeVaults
	if err := yaml.Unmarshal(text, &vaults); err != nil {
		return err
	}
	now, err := time.Parse(time.RFC3339, statusTime)
	if err != nil {
		return err
	}
	clock = func() time.Time { return now }
	vaultReader = func(*statusFlags) status.Reader { return vaults }
	return nil
}

// clusterOfStatus starts an API server with clusterFile, and writes a kubeconfig for it.
func clusterOfStatus(t *testing.T) (server *apiserver.Server, kubeconfig string) {
	t.Helper()
	text, err := os.ReadFile(clusterFile)
	if err != nil {
		t.Fatal(err)
	}
	server = apiserver.Start(t, string(text))
	return server, kubeconfigFor(t, server.URL, "shop")
}

// kubeconfigFor writes one for a server and a namespace.
func kubeconfigFor(t *testing.T, url, namespace string) (path string) {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{"server": url}}},
		"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "c", "namespace": namespace}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
