package admission_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
)

// deploy/install.yaml as users apply it, in a cluster without cert-manager.
func TestInstallManifest(t *testing.T) {
	t.Parallel()
	s := &system{cluster.Bare(t, controlplane.Options{})}
	driver, err := build.ModuleDir(t.Context(), build.CSIDriver)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := controlplane.InstallCRDs(t.Context(), s.Config, filepath.Join(driver, "config", "crd", "bases")); err != nil {
		t.Fatal(err)
	}
	root, err := build.Root()
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(root, "deploy", "install.yaml")
	objects, err := injector.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	s.kubectl(t, "apply", "--server-side", "-f", manifest)
	before := s.versions(t, objects)
	s.kubectl(t, "apply", "--server-side", "-f", manifest) // without --force-conflicts
	for name, version := range s.versions(t, objects) {
		if before[name] != version {
			t.Errorf("%s is changed by applying it again", name)
		}
	}

	t.Run("webhook configurations", func(t *testing.T) { s.wantConfigurations(t) })
	t.Run("rights", func(t *testing.T) { s.wantRights(t) })
	t.Run("pods meet the namespace's standard", func(t *testing.T) { s.wantRestricted(t, objects) })
	t.Run("client-side apply", func(t *testing.T) { s.kubectl(t, "diff", "-f", manifest) })
}

// Who applied on the client's side at first can go on on the server's, without --force-conflicts.
func TestServerSideOverClientSide(t *testing.T) {
	t.Parallel()
	s := &system{cluster.Bare(t, controlplane.Options{})}
	root, err := build.Root()
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(root, "deploy", "install.yaml")
	s.kubectl(t, "apply", "-f", manifest)
	s.kubectl(t, "apply", "--server-side", "-f", manifest)
	s.kubectl(t, "apply", "--server-side", "-f", manifest)
}

// kubectl runs a command that has to do well and has nothing to warn of.
func (s *system) kubectl(t *testing.T, args ...string) {
	t.Helper()
	output, err := s.KubectlCommand(t.Context(), args...).CombinedOutput()
	if err != nil || bytes.Contains(output, []byte("Warning")) {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}

// versions are the resourceVersions of the objects.
func (s *system) versions(t *testing.T, objects []*unstructured.Unstructured) map[string]string {
	t.Helper()
	client, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := restmapper.GetAPIGroupResources(s.Client.Discovery())
	if err != nil {
		t.Fatal(err)
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)
	versions := map[string]string{}
	for _, o := range objects {
		kind := o.GroupVersionKind()
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			t.Fatal(err)
		}
		resource := dynamic.ResourceInterface(client.Resource(mapping.Resource))
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			resource = client.Resource(mapping.Resource).Namespace(o.GetNamespace())
		}
		stored, err := resource.Get(t.Context(), o.GetName(), metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		versions[kind.Kind+" "+o.GetName()] = stored.GetResourceVersion()
	}
	return versions
}

// wantConfigurations wants what the AKS Admissions Enforcer would add to be there
// already, and our configurations called before the workload identity webhook's.
func (s *system) wantConfigurations(t *testing.T) {
	t.Helper()
	client := s.Client.AdmissionregistrationV1()
	selectors := map[string]*metav1.LabelSelector{}
	mutating, err := client.MutatingWebhookConfigurations().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range mutating.Items {
		wantFirst(t, c.Name)
		for _, w := range c.Webhooks {
			selectors[w.Name] = w.NamespaceSelector
		}
	}
	validating, err := client.ValidatingWebhookConfigurations().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range validating.Items {
		wantFirst(t, c.Name)
		for _, w := range c.Webhooks {
			selectors[w.Name] = w.NamespaceSelector
		}
	}
	if len(selectors) < 3 {
		t.Errorf("webhooks are %v, want at least three", selectors)
	}
	for name, selector := range selectors {
		for _, want := range []metav1.LabelSelectorRequirement{
			{Key: "control-plane", Operator: metav1.LabelSelectorOpDoesNotExist},
			{Key: "control-plane", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"true"}},
			{Key: "kubernetes.azure.com/managedby", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"aks"}},
		} {
			if !slices.ContainsFunc(selector.MatchExpressions, func(got metav1.LabelSelectorRequirement) bool {
				return got.Key == want.Key && got.Operator == want.Operator && slices.Equal(got.Values, want.Values)
			}) {
				t.Errorf("%s: the namespaceSelector lacks %v, which AKS adds", name, want)
			}
		}
	}
}

func wantFirst(t *testing.T, name string) {
	t.Helper()
	if name >= "azure-wi-webhook-mutating-webhook-configuration" {
		t.Errorf("%s is called after the workload identity webhook", name)
	}
}

// wantRights asks the API server what the program's service account may do.
func (s *system) wantRights(t *testing.T) {
	t.Helper()
	client, err := kubernetes.NewForConfig(s.config(injectorUser))
	if err != nil {
		t.Fatal(err)
	}
	mayName := func(name, namespace, verb, group, resource, subresource string) bool {
		review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
				Name: name, Namespace: namespace, Verb: verb, Group: group, Resource: resource, Subresource: subresource,
			}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return review.Status.Allowed
	}
	may := func(namespace, verb, group, resource, subresource string) bool {
		return mayName("", namespace, verb, group, resource, subresource)
	}
	for _, verb := range []string{"create", "patch", "delete", "deletecollection"} {
		if mayName(injector.CertificateSecret, injector.Namespace, verb, "", "secrets", "") {
			t.Errorf("may %s the Secret of its certificates", verb)
		}
	}
	for _, name := range []string{"another", "default-token"} {
		if mayName(name, injector.Namespace, "get", "", "secrets", "") || mayName(injector.CertificateSecret, "default", "get", "", "secrets", "") {
			t.Errorf("may read the Secret %s", name)
		}
	}
	if !mayName(injector.CertificateSecret, injector.Namespace, "update", "", "secrets", "") {
		t.Error("may not update the Secret of its certificates")
	}
	for _, namespace := range []string{"default", "kube-system", injector.Namespace} {
		for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "*"} {
			if may(namespace, verb, "", "secrets", "") {
				t.Errorf("may %s secrets in %s", verb, namespace)
			}
		}
		for _, right := range [][4]string{
			{"create", "", "serviceaccounts", "token"}, // another's identity
			{"impersonate", "", "users", ""},
			{"create", "", "pods", ""}, // and through it any identity of the namespace
			{"update", "", "pods", ""},
			{"patch", "", "pods", ""},
			{"delete", "", "pods", ""},
			{"create", "", "pods", "eviction"},
			{"update", "", "pods", "status"},
			{"delete", classesResource.Group, "secretproviderclasspodstatuses", ""}, // ends a pod's rotation
			{"patch", classesResource.Group, "secretproviderclasspodstatuses", ""},
			{"create", "", "pods", "exec"},
			{"patch", "", "serviceaccounts", ""},
			{"patch", "", "namespaces", ""}, // opting in, and the fence
			{"bind", "rbac.authorization.k8s.io", "clusterroles", ""},
			{"escalate", "rbac.authorization.k8s.io", "clusterroles", ""},
			{"update", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", ""},
			{"deletecollection", classesResource.Group, classesResource.Resource, ""},
		} {
			if may(namespace, right[0], right[1], right[2], right[3]) {
				t.Errorf("may %v in %s", right, namespace)
			}
		}
	}
	if may("default", "update", "coordination.k8s.io", "leases", "") {
		t.Error("may take other programs' leases")
	}
	// Otherwise nothing of the above was asked of anybody who may anything.
	if !may("default", "patch", "", "pods", "status") || !may("default", "create", classesResource.Group, classesResource.Resource, "") ||
		!may(injector.Namespace, "update", "coordination.k8s.io", "leases", "") {
		t.Error("may not do its work")
	}
}

// wantRestricted creates the Deployment's pod as a dry run: the namespace enforces the
// strictest PodSecurity standard.
func (s *system) wantRestricted(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	// The lax pod below names it.
	s.CreateAccount(t, injector.Namespace)
	namespace, err := s.Client.CoreV1().Namespaces().Get(t.Context(), injector.Namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if level := namespace.Labels["pod-security.kubernetes.io/enforce"]; level != "restricted" {
		t.Errorf("the namespace enforces %q, want restricted", level)
	}
	if a := s.admit(t.Context(), request{namespace: injector.Namespace, pod: handwrittenPod("lax", "any"), dryRun: true}); httpCode(a.err) != 403 {
		t.Errorf("a lax pod: %v, want it forbidden", a.err)
	}
	templates := 0
	for _, o := range objects {
		template, found, err := unstructured.NestedMap(o.Object, "spec", "template")
		if err != nil || !found {
			continue
		}
		templates++
		pod := &unstructured.Unstructured{Object: template}
		pod.SetAPIVersion("v1")
		pod.SetKind("Pod")
		pod.SetName("probe")
		a := s.mustAdmit(t, request{namespace: injector.Namespace, pod: pod, dryRun: true})
		if len(a.warnings) > 0 {
			t.Errorf("%s %s: %q", o.GetKind(), o.GetName(), a.warnings)
		}
	}
	if templates == 0 {
		t.Error("nothing that makes pods")
	}
}
