package admission_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/internal/corpus"
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

// checkObject does to the case's workload or class what the case is about, as a dry run
// and in earnest, and compares what is told and refused.
func (s *system) checkObject(t *testing.T, c *corpus.Case) {
	t.Helper()
	namespace, twin := s.facts(t, c)
	refusal, warnings := wantFindings(t, c)
	described := strings.Split(strings.TrimSpace(string(c.Want[corpus.WantDescriptionFile])), "\n")
	if described[0] == "" {
		described = nil
	}
	old := map[string]*unstructured.Unstructured{}
	for _, ns := range []string{namespace, twin} {
		if c.Old == nil {
			continue
		}
		stored, _, err := s.do(t.Context(), c, unasked, ns, corpus.Create, objectOf(t, c.OldJSON), false)
		if err != nil {
			t.Fatalf("a fault of the case: without akv-injector the API server itself refuses what is stored before: %v", err)
		}
		old[ns] = stored
	}

	for _, dryRun := range []bool{true, false} {
		t.Run(fmt.Sprintf("dry run %t", dryRun), func(t *testing.T) {
			_, plain, err := s.do(t.Context(), c, workloadOrigin(t, c), twin, c.Operation(), s.newObject(t, c, old[twin]), true)
			if err != nil {
				t.Fatalf("a fault of the case: without akv-injector the API server itself refuses it: %v", err)
			}
			want := warnings
			if dryRun && len(refusal) == 0 {
				want = append(slices.Clone(warnings), described...)
			}
			_, told, err := s.do(t.Context(), c, workloadOrigin(t, c), namespace, c.Operation(), s.newObject(t, c, old[namespace]), dryRun)
			wantWarnings(t, want, plain, told, namespace)
			if dryRun && c.Operation() == corpus.Create && inject.TargetOf(c.Object) != nil {
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
	}
	if c.Options.Origin != "" && c.Options.Origin != "user" && metav1.GetControllerOf(u) == nil {
		u.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "Deployment", Name: "owner", UID: "00000000-0000-0000-0000-000000000001", Controller: new(true),
		}})
	}
	return u
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
