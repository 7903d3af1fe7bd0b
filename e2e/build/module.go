package build

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

// The modules whose manifests the tests apply, in the version that the recipes
// build, or that was the newest when this was written.
const (
	// CSIDriver has the CRDs of the Secrets Store CSI driver in config/crd/bases,
	// and its chart in charts/.
	CSIDriver = "sigs.k8s.io/secrets-store-csi-driver@v1.6.0"
	// CSIDriverLegacy and CSIDriver15 rotate with a loop of their own.
	CSIDriverLegacy = "sigs.k8s.io/secrets-store-csi-driver@v1.4.8"
	CSIDriver15     = "sigs.k8s.io/secrets-store-csi-driver@v1.5.6"
	// CertManager has its CRDs in deploy/crds.
	CertManager = "github.com/cert-manager/cert-manager@v1.21.2"
	// IdentityWebhook has the manifest of the workload identity webhook in deploy.
	IdentityWebhook = "github.com/Azure/azure-workload-identity@v1.6.0"
)

// ModuleDir gives the folder with the content of a module, written
// "path@version", downloading it if need be. It is Go's module cache: read only.
// What comes is checked against the checksum database, as with any module.
func ModuleDir(ctx context.Context, module string) (string, error) {
	// Outside of any module, so that no go.mod has a say in it.
	out, err := runGo(ctx, os.TempDir(), []string{"GO111MODULE=on"}, "mod", "download", "-json", module)
	if err != nil && len(out) == 0 {
		return "", fmt.Errorf("module %s: %w", module, err)
	}
	// A download that fails says why in the JSON too, and more briefly.
	var answer struct{ Dir, Error string }
	if parseErr := json.Unmarshal(out, &answer); parseErr != nil {
		return "", fmt.Errorf("module %s: answer of go mod download: %w", module, parseErr)
	}
	if answer.Error != "" {
		return "", fmt.Errorf("module %s: %s", module, answer.Error)
	}
	if err != nil {
		return "", fmt.Errorf("module %s: %w", module, err)
	}
	return answer.Dir, nil
}
