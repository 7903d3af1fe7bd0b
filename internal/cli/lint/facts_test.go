package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
)

// What is known of the cluster comes from the manifests, namespace by namespace.
func TestFacts(t *testing.T) {
	const asking = `---
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    azure.keyvault.injector/vault: shop-kv
    azure.keyvault.injector/objects: DB-Password
    azure.keyvault.injector/service-account: shop-sa
spec: {containers: [{name: web, image: busybox}]}
`
	const account = `---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: shop-sa
  namespace: %s
  annotations:
    azure.workload.identity/client-id: 11111111-1111-1111-1111-111111111111
    azure.workload.identity/tenant-id: 22222222-2222-2222-2222-222222222222
`
	const driver = `---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: secrets-store.csi.k8s.io}
spec: {requiresRepublish: true, tokenRequests: [{audience: api://AzureADTokenExchange}]}
`
	const fence = `---
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {azure.keyvault.injector/injection: enabled}
  annotations: {azure.keyvault.injector/allowed-vaults: other-*}
`
	in := func(namespace string) string { return fmt.Sprintf(account, namespace) }
	for name, c := range map[string]struct {
		text      string
		namespace string
		complete  bool
		want      []string
	}{
		"nobody knows the account": {asking, "shop", false, nil},
		"the account":              {asking + in("shop"), "shop", false, nil},
		"all there is":             {asking + in("shop") + driver, "shop", true, nil},
		"no account": {asking + driver, "shop", true, []string{
			"AKV012 error metadata.annotations[azure.keyvault.injector/service-account]",
		}},
		"the account of another namespace": {asking + in("shop") + driver, "", true, []string{
			"AKV012 error metadata.annotations[azure.keyvault.injector/service-account]",
		}},
		"the account of the default namespace": {asking + in("default") + driver, "", true, nil},
		"the fence":                            {fence + asking, "shop", false, []string{"AKV018 error metadata.annotations[azure.keyvault.injector/objects]"}},
		"the fence of another namespace":       {fence + asking, "", false, nil},
		"the later of two accounts": {
			strings.Replace(in("shop"), "11111111", "33333333", 1) + in("shop") + asking + driver, "shop", true,
			[]string{"AKV032 warning metadata.name", "AKV032 warning spec.serviceAccountName"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			set := manifest.Source{Paths: []string{"-"}, Stdin: strings.NewReader(c.text)}.Read()
			report := lint.Check(set, set.Cluster(c.namespace, c.complete), inject.Settings{})
			var got []string
			for _, f := range report.Findings {
				got = append(got, fmt.Sprintf("%s %s %s", f.Rule, f.Severity, f.Field))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s\n%v", diff, report.Findings)
			}
		})
	}
}

// A mistake in a namespace's annotations is told at the namespace's own line.
func TestNamespaceFindingsPointToTheNamespace(t *testing.T) {
	text := "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {}\n---\n" +
		"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  annotations:\n    azure.keyvault.injector/rotation-policy: lenient\n"
	set := manifest.Source{Paths: []string{"-"}, Stdin: strings.NewReader(text)}.Read()
	report := lint.Check(set, set.Cluster("", false), inject.Settings{})
	if len(report.Findings) != 1 || report.Findings[0].Line != 11 || report.Findings[0].Name != "web" {
		t.Errorf("%+v", report.Findings)
	}
}
