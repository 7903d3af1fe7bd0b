package certificates_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/await"
)

// elsewhere are rights that the scenario below does not use, and why they are given all the same.
var elsewhere = map[string]string{
	"list namespaces":                fallback,
	"list serviceaccounts":           fallback,
	"list csidrivers.storage.k8s.io": fallback,
	"list daemonsets.apps":           fallback,
	"list secrets":                   fallback,
	"list mutatingwebhookconfigurations.admissionregistration.k8s.io":   fallback,
	"list validatingwebhookconfigurations.admissionregistration.k8s.io": fallback,
	"list secretproviderclasses.secrets-store.csi.x-k8s.io":             fallback,
	"list secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io":    fallback,
	"get csidrivers.storage.k8s.io":                                     "an admission asks while the cache is not filled",
	"get pods":                                                          "a pod is looked at again before it is patched (e2e/interval)",
	"patch pods/status":                                                 "new versions, and readiness gates (e2e/interval)",
	"patch events":                                                      "an event that is repeated",
	"patch events.events.k8s.io":                                        "an event that is repeated",
}

const fallback = "an API server that does not stream lists"

// TestRights: our account uses each right that it has, or it is known what for, and asks for nothing that it has no right to.
func TestRights(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "audit.yaml")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := cluster.Start(t, controlplane.Options{ExtraAPIServerArgs: []string{"--audit-policy-file", policy}}, injector.Options{
		Replicas: 2, OwnCertificates: true, Args: []string{"--certificate-ca-pause=" + pause.String(), "--class-grace-period=1s"},
	})
	c.Namespace(t, "shop", map[string]string{annotation.Vault: "payments-kv", annotation.ServiceAccount: cluster.Account})
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	used := func(right string) {
		t.Helper()
		await.Poll{Limit: time.Minute}.Require(t, right, func(context.Context) (bool, string) {
			seen, _ := audited(t, c.AuditLog)
			return seen[right], fmt.Sprint(slices.Sorted(maps.Keys(seen)))
		})
	}
	const classes = "secretproviderclasses.secrets-store.csi.x-k8s.io"
	pod := cluster.Pod("shop", "asks", "DB-Password")
	preview := pod.DeepCopy()
	do(c.API.Create(t.Context(), preview, client.DryRunAll))
	class := &secretsstorev1.SecretProviderClass{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Labels: map[string]string{annotation.LabelManagedBy: "akv-injector"}}}
	for i := range preview.Spec.Volumes {
		if name, ok := provider.ClassName(&preview.Spec.Volumes[i]); ok {
			class.Name = name
		}
	}
	// Somebody was there before: the class is written over.
	class.Spec = secretsstorev1.SecretProviderClassSpec{Provider: "azure", Parameters: map[string]string{
		"keyvaultName": "another", "tenantID": "22222222-2222-2222-2222-222222222222", "clientID": "11111111-1111-1111-1111-111111111111",
		"objects": "array:\n  - |\n    objectName: other\n    objectType: secret\n",
	}}
	do(c.API.Create(t.Context(), class))
	do(c.API.Create(t.Context(), pod))
	used("update " + classes)
	do(c.API.Delete(t.Context(), class))
	used("create " + classes)
	bound := cluster.Pod("shop", "bound", "DB-Password")
	bound.Annotations[annotation.IdentityMode] = annotation.IdentityBinding
	do(c.API.Create(t.Context(), bound))
	used("create subjectaccessreviews.authorization.k8s.io")
	for _, p := range []client.Object{pod, bound} {
		do(c.API.Delete(t.Context(), p, client.GracePeriodSeconds(0)))
	}
	used("delete " + classes)
	rotate(t, c, "leaf now")

	granted := grantedTo(t)
	seen, refused := audited(t, c.AuditLog)
	for right := range granted {
		if why := elsewhere[right]; !seen[right] && why == "" {
			t.Errorf("%s is not used, and it is not known what it is for", right)
		} else if seen[right] && why != "" && why != fallback {
			t.Logf("%s is used here too", right)
		}
	}
	for right := range elsewhere {
		if !granted[right] {
			t.Errorf("%s is explained, and not given", right)
		}
	}
	for right := range refused {
		t.Errorf("%s is asked for without the right to it", right)
	}
}

// audited are the rights that our account has used, and those that it was refused.
func audited(t *testing.T, file string) (used, refused map[string]bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	used, refused = map[string]bool{}, map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Verb           string
			User           struct{ Username string }
			ResponseStatus struct{ Code int }
			ObjectRef      *struct{ Resource, Subresource, APIGroup string }
		}
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.ObjectRef == nil || e.User.Username != "system:serviceaccount:"+injector.Namespace+":"+injector.ServiceAccount {
			continue
		}
		right := rightOf(e.Verb, e.ObjectRef.APIGroup, e.ObjectRef.Resource)
		if e.ObjectRef.Subresource != "" {
			right += "/" + e.ObjectRef.Subresource
		}
		used[right] = true
		const forbidden = 403
		if e.ResponseStatus.Code == forbidden {
			refused[right] = true
		}
	}
	return used, refused
}

func rightOf(verb, group, resource string) string {
	return strings.TrimSuffix(verb+" "+resource+"."+group, ".")
}

// grantedTo are the rights of our account, by the roles that are installed.
func grantedTo(t *testing.T) map[string]bool {
	t.Helper()
	manifests, err := injector.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	granted := map[string]bool{}
	for _, o := range manifests {
		var role rbacv1.ClusterRole
		if o.GetKind() != "ClusterRole" && o.GetKind() != "Role" {
			continue
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
			t.Fatal(err)
		}
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						resource, subresource, _ := strings.Cut(resource, "/")
						right := rightOf(verb, group, resource)
						if subresource != "" {
							right += "/" + subresource
						}
						granted[right] = true
					}
				}
			}
		}
	}
	if len(granted) == 0 {
		t.Fatal("no rights at all")
	}
	return granted
}
