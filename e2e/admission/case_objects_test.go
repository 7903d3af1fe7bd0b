package admission_test

import (
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

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
	"sigs.k8s.io/yaml"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/corpus"
)

// pods are the case's pod as a user sends it, and the one that it wants, which is the
// same where it stays as it is.
func pods(t *testing.T, c *corpus.Case) (pod, want *unstructured.Unstructured) {
	t.Helper()
	pod = sent(t, c, c.PodJSON)
	if text := c.Want[corpus.WantPodFile]; text != nil {
		return pod, sent(t, c, text)
	}
	return pod, pod
}

func sent(t *testing.T, c *corpus.Case, text []byte) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &u.Object); err != nil {
		t.Fatal(err)
	}
	u.SetNamespace("") // the request's
	if c.Options.Origin != "" && c.Options.Origin != "user" && metav1.GetControllerOf(u) == nil {
		u.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "owner", UID: "00000000-0000-0000-0000-000000000001", Controller: new(true),
		}})
	}
	return u
}

// origin is who sends the case's pod.
func origin(t *testing.T, c *corpus.Case) rest.ImpersonationConfig {
	t.Helper()
	switch c.Options.Origin {
	case "", "user":
		return rest.ImpersonationConfig{}
	case "controller":
		return foreignController
	case "builtin-controller":
		return builtinController
	}
	t.Fatalf("nobody is a %q", c.Options.Origin)
	return rest.ImpersonationConfig{}
}

// facts makes two namespaces with the case's objects. The twin has not opted in. There are none
// if the API server refuses the case's fence, as it should: the case is held against that alone.
func (s *system) facts(t *testing.T, c *corpus.Case) (namespace, twin string) {
	t.Helper()
	namespace = newNamespaceName()
	twin = namespace + "-twin"
	// A pod cannot come before its account.
	objects := c.Objects()
	slices.SortStableFunc(objects, func(a, b runtime.Object) int {
		_, podA := a.(*corev1.Pod)
		_, podB := b.(*corev1.Pod)
		switch {
		case podA == podB:
			return 0
		case podB:
			return -1
		}
		return 1
	})
	for _, name := range []string{namespace, twin} {
		fence, isSet := "", false
		for _, o := range objects {
			// The fence comes last: the API server would refuse a class outside it.
			if ns, ok := o.(*corev1.Namespace); ok {
				if value, ok := ns.Annotations[annotation.AllowedVaults]; ok {
					fence, isSet = value, true
					o = ns.DeepCopy()
					delete(o.(*corev1.Namespace).Annotations, annotation.AllowedVaults)
				}
			}
			if err := s.create(t, o, name, name == namespace); err != nil {
				t.Fatalf("a fault of the case: its facts cannot be: %v", err)
			}
		}
		s.bind(t, c, name)
		if isSet && !s.fence(t, c, name, fence) {
			return "", ""
		}
	}
	return namespace, twin
}

// bind lets the accounts of a namespace use the identities that the case says.
func (s *system) bind(t *testing.T, c *corpus.Case, namespace string) {
	t.Helper()
	for account, clientID := range c.Options.Bindings {
		role := &rbacv1.ClusterRole{
			ObjectMeta: metav1.ObjectMeta{Name: namespace + "-" + account},
			Rules: []rbacv1.PolicyRule{{
				Verbs: []string{provider.BindingVerb}, APIGroups: []string{provider.BindingGroup}, Resources: []string{clientID},
			}},
		}
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: role.ObjectMeta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account}},
		}
		roles := s.Client.RbacV1()
		if _, err := roles.ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := roles.ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		s.awaitBound(t, namespace, facts.Use{Account: account, ClientID: clientID})
	}
}

// awaitBound waits until the API server has heard of a binding of its own.
func (s *system) awaitBound(t *testing.T, namespace string, use facts.Use) {
	t.Helper()
	soon.Require(t, "the account to be allowed to use the identity", func(ctx context.Context) (bool, string) {
		review, err := s.Client.AuthorizationV1().SubjectAccessReviews().Create(ctx, use.Review(namespace), metav1.CreateOptions{})
		return err == nil && review.Status.Allowed, fmt.Sprint(err)
	})
}

// fence sets a namespace's allowed-vaults, and reports whether a namespace can have it: one with
// an error in it is refused where it is written.
func (s *system) fence(t *testing.T, c *corpus.Case, namespace, value string) bool {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{annotation.AllowedVaults: value}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Client.CoreV1().Namespaces().Patch(t.Context(), namespace, types.MergePatchType, patch, metav1.PatchOptions{})
	wrong := strings.Contains(string(c.Want[corpus.WantFindingsFile]), "namespace.metadata.annotations["+annotation.AllowedVaults+"]")
	refused := err != nil && strings.Contains(err.Error(), "ValidatingAdmissionPolicy 'akv-injector-namespaces'")
	switch {
	case err != nil && !refused:
		t.Fatal(err)
	case refused && !wrong:
		t.Fatalf("the fence is refused, and the engine finds nothing wrong with it: %v", err)
	}
	return !refused
}

// awaitFence waits until what the case wants told of the namespace's fence is told: the fence is
// set last, and admission reads namespaces from caches, which see it a moment later. The mutating
// webhook may not have seen it yet when the validating one has.
func awaitFence(t *testing.T, c *corpus.Case, send func(context.Context) (warnings []string, err error)) {
	t.Helper()
	ofFence := func(told string) bool {
		return strings.Contains(told, "AKV018") || strings.Contains(told, annotation.AllowedVaults)
	}
	if !ofFence(string(c.Want[corpus.WantFindingsFile])) {
		return
	}
	soon.Require(t, "the fence to be told of", func(ctx context.Context) (bool, string) {
		warnings, err := send(ctx)
		told := fmt.Sprint(warnings, err)
		return ofFence(told), told
	})
}

func (s *system) create(t *testing.T, o runtime.Object, namespace string, labelled bool) error {
	t.Helper()
	accessor, err := meta.Accessor(o)
	if err != nil {
		return err
	}
	ctx := t.Context()
	switch o := o.(type) {
	case *corev1.Namespace:
		o.Name = namespace
		o.Labels = maps.Clone(o.Labels)
		if !labelled {
			delete(o.Labels, annotation.LabelInjection)
		}
		_, err = s.Client.CoreV1().Namespaces().Create(ctx, o, metav1.CreateOptions{})
	case *corev1.ServiceAccount:
		accessor.SetNamespace(namespace)
		_, err = s.Client.CoreV1().ServiceAccounts(namespace).Create(ctx, o, metav1.CreateOptions{})
	case *secretsstorev1.SecretProviderClass:
		var content map[string]any
		if content, err = runtime.DefaultUnstructuredConverter.ToUnstructured(o); err != nil {
			return err
		}
		u := &unstructured.Unstructured{Object: content}
		u.SetNamespace(namespace)
		// The types write an empty status, which the CRD does not take from a user.
		delete(u.Object, "status")
		client, clientErr := s.dynamic(unasked)
		if clientErr != nil {
			return clientErr
		}
		_, err = client.Resource(classesResource).Namespace(namespace).Create(ctx, u, metav1.CreateOptions{})
	case *corev1.Pod:
		accessor.SetNamespace(namespace)
		status := o.Status
		pods := s.Client.CoreV1().Pods(namespace)
		if o, err = pods.Create(ctx, o, metav1.CreateOptions{}); err != nil {
			return err
		}
		// A creation takes no status.
		o.Status.Phase = status.Phase
		_, err = pods.UpdateStatus(ctx, o, metav1.UpdateOptions{})
	case *storagev1.CSIDriver, *appsv1.DaemonSet:
		// The cluster's; see circumstances.
	default:
		return fmt.Errorf("no way to create a %T", o)
	}
	return err
}

// hasClass reports whether a class is one of the case's facts.
func hasClass(c *corpus.Case, name string) bool {
	for _, o := range c.Objects() {
		if class, ok := o.(*secretsstorev1.SecretProviderClass); ok && class.Name == name {
			return true
		}
	}
	return false
}

// documents reads the objects of a want file.
func documents(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var list []map[string]any
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		var o map[string]any
		if err := yaml.Unmarshal(document, &o); err != nil {
			t.Fatal(err)
		}
		unstructured.RemoveNestedField(o, "metadata", "creationTimestamp")
		delete(o, "status")
		list = append(list, o)
	}
	return list
}

// sharedDriver is the CSIDriver that all cases have that do not say otherwise.
func sharedDriver(t *testing.T) string {
	t.Helper()
	spec, err := readDriver()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// readDriver is for those who have no test.
func readDriver() (string, error) {
	text, err := os.ReadFile(filepath.Join(corpus.Root(), "facts", "cluster.yaml"))
	if err != nil {
		return "", err
	}
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var driver storagev1.CSIDriver
		if err := yaml.Unmarshal(document, &driver); err != nil {
			return "", err
		}
		if driver.Kind == "CSIDriver" {
			spec, err := json.Marshal(driver.Spec)
			return string(spec), err
		}
	}
	return "", fmt.Errorf("the shared facts have no CSIDriver")
}
