package admission_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"akv-injector/inject/workload"
	"akv-injector/internal/testing/corpus"
)

// resources of the kinds that a case is about, besides pods.
var resources = map[string]schema.GroupVersionResource{
	"ReplicationController": {Version: "v1", Resource: "replicationcontrollers"},
	"Deployment":            {Group: "apps", Version: "v1", Resource: "deployments"},
	"StatefulSet":           {Group: "apps", Version: "v1", Resource: "statefulsets"},
	"DaemonSet":             {Group: "apps", Version: "v1", Resource: "daemonsets"},
	"ReplicaSet":            {Group: "apps", Version: "v1", Resource: "replicasets"},
	"Job":                   {Group: "batch", Version: "v1", Resource: "jobs"},
	"CronJob":               {Group: "batch", Version: "v1", Resource: "cronjobs"},
	"SecretProviderClass":   classesResource,
}

func (s *system) checkCase(t *testing.T, c *corpus.Case) {
	t.Helper()
	if c.Pod != nil {
		s.check(t, c)
		return
	}
	s.checkObject(t, c)
}

// neverAsked are what the matchConditions leave out. The handler, which such a change
// reaches in the test of its own, would warn.
var neverAsked = []string{"update-scales"}

// checkObject does to the case's workload or class what the case is about, as a dry run
// and in earnest, and compares what is told and refused.
func (s *system) checkObject(t *testing.T, c *corpus.Case) {
	t.Helper()
	namespace, twin := s.facts(t, c)
	if namespace == "" {
		return
	}
	refusal, warnings := wantFindings(t, c)
	old := s.storeOlds(t, c, namespace, twin)

	for _, dryRun := range []bool{true, false} {
		t.Run(fmt.Sprintf("dry run %t", dryRun), func(t *testing.T) {
			_, plain, err := s.do(t.Context(), c, workloadOrigin(t, c), twin, c.Operation(), s.newObject(t, c, old[twin]), true)
			if err != nil {
				t.Fatalf("a fault of the case: without akv-injector the API server itself refuses it: %v", err)
			}
			want := warnings
			if slices.Contains(neverAsked, c.Name) {
				want = nil
			} else if dryRun && len(refusal) == 0 {
				want = append(slices.Clone(warnings), description(c)...)
			}
			send := func(ctx context.Context) ([]string, error) {
				_, told, err := s.do(ctx, c, workloadOrigin(t, c), namespace, c.Operation(), s.newObject(t, c, old[namespace]), dryRun)
				return told, err
			}
			if dryRun {
				awaitFence(t, c, send)
			}
			if dryRun && c.Class() != nil {
				s.awaitMounting(t, c, namespace, want, send)
			}
			told, err := send(t.Context())
			wantWarnings(t, want, plain, told, namespace)
			// A preview is of what its reader would apply.
			byUser := c.Options.Origin == "" || c.Options.Origin == "user"
			if dryRun && byUser && c.Operation() == corpus.Create && workload.TargetOf(c.Object) != nil {
				s.wantTemplatePreviewed(t, c, namespace, twin, objectOf(t, c.ObjectJSON), len(refusal) > 0)
			}
			if len(refusal) > 0 {
				wantRefused(t, refusal, err, namespace)
				return
			}
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
		})
	}
}

// description is what a dry run says of the case's pods.
func description(c *corpus.Case) []string {
	text := strings.TrimSpace(string(c.Want[corpus.WantDescriptionFile]))
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// newObject is what is sent: the case's object, for an update with the version of what is
// stored; nil for a deletion.
func (s *system) newObject(t *testing.T, c *corpus.Case, old *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	if c.Object == nil {
		return nil
	}
	u := objectOf(t, c.ObjectJSON)
	if old != nil {
		u.SetResourceVersion(old.GetResourceVersion())
		if u.GetDeletionTimestamp() != nil {
			u.SetDeletionTimestamp(old.GetDeletionTimestamp())
			u.SetDeletionGracePeriodSeconds(old.GetDeletionGracePeriodSeconds())
			u.SetFinalizers(old.GetFinalizers())
		}
	}
	if c.Options.Origin != "" && c.Options.Origin != "user" && metav1.GetControllerOf(u) == nil {
		u.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "Deployment", Name: "owner", UID: "00000000-0000-0000-0000-000000000001", Controller: new(true),
		}})
	}
	return u
}

// awaitMounting waits until akv-injector's cache has the pods that mount the case's class,
// as the facts have them.
func (s *system) awaitMounting(t *testing.T, c *corpus.Case, namespace string, want []string, send func(context.Context) ([]string, error)) {
	t.Helper()
	isPod := func(o runtime.Object) bool { _, ok := o.(*corev1.Pod); return ok }
	if !slices.ContainsFunc(c.Objects(), isPod) {
		return
	}
	inUse := func(lines []string) []string {
		var found []string
		for _, line := range lines {
			if strings.Contains(line, "AKV022") {
				found = append(found, inCase(line, namespace))
			}
		}
		return found
	}
	soon.Require(t, "the pods that mount the class to be known", func(ctx context.Context) (bool, string) {
		told, _ := send(ctx)
		diff := cmp.Diff(inUse(want), inUse(told))
		return diff == "", diff
	})
}

// storeOlds stores what an update or a deletion is about, in each namespace. It gives
// nothing for a creation.
func (s *system) storeOlds(t *testing.T, c *corpus.Case, namespaces ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	if c.Old == nil {
		return nil
	}
	old := map[string]*unstructured.Unstructured{}
	for _, ns := range namespaces {
		stored, err := s.storeOld(t, c, ns)
		if err != nil {
			t.Fatalf("a fault of the case: without akv-injector the API server itself refuses what is stored before: %v", err)
		}
		old[ns] = stored
	}
	return old
}

// storeOld stores what an update or a deletion is about. One that is being deleted is
// held by a finalizer: that it goes is the API server's to say.
func (s *system) storeOld(t *testing.T, c *corpus.Case, namespace string) (*unstructured.Unstructured, error) {
	t.Helper()
	u := objectOf(t, c.OldJSON)
	going := c.Object != nil && objectOf(t, c.ObjectJSON).GetDeletionTimestamp() != nil
	if going {
		u.SetDeletionTimestamp(nil)
		u.SetFinalizers([]string{"example.com/held"})
	}
	stored, _, err := s.do(t.Context(), c, unasked, namespace, corpus.Create, u, false)
	if err != nil || !going {
		return stored, err
	}
	client, err := s.dynamic(unasked)
	if err != nil {
		return nil, err
	}
	objects := client.Resource(resources[stored.GetKind()]).Namespace(namespace)
	if err := objects.Delete(t.Context(), stored.GetName(), metav1.DeleteOptions{}); err != nil {
		return nil, err
	}
	return objects.Get(t.Context(), stored.GetName(), metav1.GetOptions{})
}

func objectOf(t *testing.T, text []byte) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &u.Object); err != nil {
		t.Fatal(err)
	}
	u.SetNamespace("") // the request's
	return u
}

// do does one thing to an object of the case's kind and name.
func (s *system) do(ctx context.Context, c *corpus.Case, as rest.ImpersonationConfig, namespace, operation string, u *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, []string, error) {
	about := c.Object
	if about == nil {
		about = c.Old
	}
	kind := about.GetObjectKind().GroupVersionKind().Kind
	resource, ok := resources[kind]
	if !ok {
		return nil, nil, fmt.Errorf("no resource of kind %q", kind)
	}
	client, err := s.dynamic(as)
	if err != nil {
		return nil, nil, err
	}
	var told []string
	ctx = context.WithValue(ctx, warningsKey{}, &told)
	stored, err := doTo(ctx, client.Resource(resource).Namespace(namespace), operation, u, c, dryRun)
	return stored, told, err
}

func doTo(ctx context.Context, objects dynamic.ResourceInterface, operation string, u *unstructured.Unstructured, c *corpus.Case, dryRun bool) (*unstructured.Unstructured, error) {
	var dry []string
	if dryRun {
		dry = []string{metav1.DryRunAll}
	}
	switch operation {
	case corpus.Create:
		return objects.Create(ctx, u, metav1.CreateOptions{DryRun: dry})
	case corpus.Update:
		return objects.Update(ctx, u, metav1.UpdateOptions{DryRun: dry})
	}
	name := c.Class().Name
	return nil, objects.Delete(ctx, name, metav1.DeleteOptions{DryRun: dry})
}
