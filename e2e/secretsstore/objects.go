package secretsstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
)

// audience is what Microsoft Entra asks of the tokens that it takes for Azure's.
const audience = "api://AzureADTokenExchange"

// The driver's service account, as in the manifests of its module.
const (
	driverNamespace = "kube-system"
	driverAccount   = "secrets-store-csi-driver"
)

// install applies what the driver's module has for a cluster, except what makes a pod of
// the driver, and makes credentials for the driver from it.
func (s *SecretsStore) install(ctx context.Context) error {
	module := build.CSIDriver
	files := []string{"csidriver.yaml", "rbac-secretproviderclass.yaml"}
	if s.options.SyncSecrets {
		files = append(files, "rbac-secretprovidersyncing.yaml")
	}
	if s.options.Legacy {
		module = build.CSIDriverLegacy
		if s.options.Legacy15 {
			module = build.CSIDriver15
		}
		files = append(files, "rbac-secretproviderrotation.yaml", "rbac-secretprovidertokenrequest.yaml")
	}
	dir, err := build.ModuleDir(ctx, module)
	if err != nil {
		return err
	}
	if _, err := controlplane.InstallCRDs(ctx, s.cp.Config, filepath.Join(dir, "config", "crd", "bases")); err != nil {
		return err
	}
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(dir, "deploy", name))
		if err != nil {
			return err
		}
		objects, err := injector.Decode(content)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", name, module, err)
		}
		for _, o := range objects {
			if o.GetKind() == "CSIDriver" {
				if err := s.complete(o); err != nil {
					return err
				}
			}
		}
		if err := injector.Apply(ctx, s.cp.Config, objects...); err != nil {
			return err
		}
	}
	set, err := runtime.DefaultUnstructuredConverter.ToUnstructured(s.DaemonSet(driverNamespace))
	if err != nil {
		return err
	}
	if err := injector.Apply(ctx, s.cp.Config, &unstructured.Unstructured{Object: set}); err != nil {
		return err
	}
	s.driverConfig, err = s.cp.ServiceAccountKubeconfig(ctx, driverNamespace, driverAccount)
	return err
}

// complete gives the CSIDriver object what the charts add to that of the module.
func (s *SecretsStore) complete(driver *unstructured.Unstructured) error {
	requests := []any{map[string]any{"audience": audience}}
	for _, other := range s.options.Audiences {
		requests = append(requests, map[string]any{"audience": other})
	}
	if err := unstructured.SetNestedSlice(driver.Object, requests, "spec", "tokenRequests"); err != nil {
		return err
	}
	if s.options.Legacy {
		return nil
	}
	// From Kubernetes 1.35 on the chart of 1.6.0 has tokens come where logs leave them out.
	if err := unstructured.SetNestedField(driver.Object, true, "spec", "serviceAccountTokenInSecrets"); err != nil {
		return err
	}
	return unstructured.SetNestedField(driver.Object, !s.options.WithoutRotation, "spec", "requiresRepublish")
}
