package webhook

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/testing/corpus"
)

// users are who creates a pod of each origin.
var users = map[string]authenticationv1.UserInfo{
	"":     {Username: "jane"},
	"user": {Username: "jane"},
	"controller": {
		Username: "system:serviceaccount:operators:operator",
		Groups:   []string{groupServiceAccounts, "system:serviceaccounts:operators"},
	},
	"builtin-controller": {
		Username: "system:serviceaccount:kube-system:replicaset-controller",
		Groups:   []string{groupServiceAccounts, groupKubeSystemAccounts},
	},
}

// clusterOf is one with the case's objects and settings.
func clusterOf(c *corpus.Case) *cluster {
	var items []client.Object
	for _, o := range c.Objects() {
		items = append(items, o.(client.Object))
	}
	cl := newCluster(items...)
	cl.settings = c.Settings()
	cl.bindings, cl.calls = c.Options.Bindings, c.Options.Calls
	if c.Options.Bindings == nil {
		cl.permission = facts.NotKnown
	}
	cl.driver = c.Facts().Driver
	if said := c.Options.Vault; said != nil {
		cl.now, cl.vaultHints = said.Now, said.Hints
		for i := range said.Objects {
			o := &said.Objects[i]
			state, err := o.State(said.Now)
			cl.vaults.say(o.Ref(), state, err)
			cl.vaults.names = append(cl.vaults.names, namesOf{o.Ref(), o.Names})
		}
	}
	return cl
}

// TestCorpus sends the engine's golden cases through the handlers as the API server
// does, mutating first, then validating what came of it: the verdicts are the cases'.
func TestCorpus(t *testing.T) {
	cases, err := corpus.Load(corpus.Root())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Pod == nil {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			cl := clusterOf(c)
			a := cl.admission()
			want := inject.Decide(c.Request(), c.Facts())
			if !annotation.OptedIn(c.NamespaceObject()) {
				want = inject.Decision{} // there the policy of AKV021 says it, without us
			}
			review := func(object []byte) *admissionv1.AdmissionReview {
				r := reviewOf(object)
				r.Request.Namespace = corpus.Namespace
				r.Request.UserInfo = users[c.Options.Origin]
				return r
			}

			object := c.PodJSON
			if c.Target().Origin != workload.FromUser {
				object = owned(t, object)
			}
			if c.Mutating() {
				answer := answerOf(t, a.Mutate(), review(object))
				if errs := want.Errors(); len(errs) > 0 && !answer.Allowed {
					wantCauses(t, answer, errs)
					return
				}
				if !answer.Allowed {
					t.Fatalf("refused: %s", answer.Result.Message)
				}
				object = applied(t, object, answer)
				wantPod(t, c, object)
				wantEnsured(t, cl, want.Classes)
			}
			if !c.Options.Admitted {
				object = withIdentityToken(t, object)
			}
			answer := answerOf(t, a.Validate(), review(object))
			if len(answer.Patch) > 0 {
				t.Error("the validating answer has a patch")
			}
			if errs := want.Errors(); len(errs) > 0 {
				wantCauses(t, answer, errs)
				return
			}
			if !answer.Allowed && !laterContainer(c) {
				t.Fatalf("refused at validation: %s", answer.Result.Message)
			}
			if answer.Allowed && len(answer.Warnings) != len(warningLines(finding.Warnings(want.Findings))) {
				t.Errorf("warnings %q, want those of %v", answer.Warnings, finding.Warnings(want.Findings))
			}
		})
	}
}

// TestCorpusOfWorkloadsAndClasses does the same with the cases that are about no pod.
func TestCorpusOfWorkloadsAndClasses(t *testing.T) {
	cases, err := corpus.Load(corpus.Root())
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string]kind{}
	for _, k := range append(workloads(), classKinds()...) {
		byKind[k.Kind] = k
	}
	for _, c := range cases {
		// Without the CRD no replica is ready, and nobody is asked (see Synced).
		if c.Pod != nil || c.Options.NoClassCRD {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			cl := clusterOf(c)
			a := cl.admission()
			handler := a.ValidateWorkload()
			if class := c.Class(); class != nil {
				handler = a.ValidateClass()
				cl.mounting = map[string][]string{class.Name: c.Facts().MountedBy}
			}
			now, _ := c.Object.(client.Object)
			before, _ := c.Old.(client.Object)
			about := now
			if about == nil {
				about = before
			}
			review := changeOf(t, byKind[about.GetObjectKind().GroupVersionKind().Kind], now, before)
			review.Request.Namespace = corpus.Namespace
			review.Request.UserInfo = users[c.Options.Origin]

			answer := answerOf(t, handler, review)
			want := c.Findings()
			if !annotation.OptedIn(c.NamespaceObject()) {
				want = nil // there the policy of AKV021 says it, without us
			}
			if errs := finding.Errors(want); len(errs) > 0 {
				wantCauses(t, answer, errs)
				return
			}
			if !answer.Allowed {
				t.Fatalf("refused: %s", answer.Result.Message)
			}
			if diff := cmp.Diff(warningLines(finding.Warnings(want)), answer.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// laterContainer tells a case whose pod names a container that another webhook would
// add: nobody does here, and so validation refuses it.
func laterContainer(c *corpus.Case) bool { return c.Name == "containers-named-that-may-yet-come" }

func wantCauses(t *testing.T, answer *admissionv1.AdmissionResponse, errs []finding.Finding) {
	t.Helper()
	if answer.Allowed {
		t.Fatal("allowed, want a refusal")
	}
	if answer.Result.Code != 422 {
		t.Errorf("refused with %d, want 422", answer.Result.Code)
	}
	type cause struct{ Field, Message string }
	var got, want []cause
	for _, c := range answer.Result.Details.Causes {
		got = append(got, cause{c.Field, c.Message})
	}
	for _, f := range errs {
		want = append(want, cause{f.Place.String(), f.String()})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
}

// withIdentityToken does to a pod what the workload identity webhook does between the
// two rounds. (A case that is Admitted is as it left it.)
func withIdentityToken(t *testing.T, object []byte) []byte {
	t.Helper()
	var pod map[string]any
	if err := yaml.Unmarshal(object, &pod); err != nil {
		t.Fatal(err)
	}
	labels, _ := pod["metadata"].(map[string]any)["labels"].(map[string]any)
	if labels[provider.LabelUseWorkloadIdentity] != "true" {
		return object
	}
	spec := pod["spec"].(map[string]any)
	volumes, _ := spec["volumes"].([]any)
	spec["volumes"] = append(volumes, map[string]any{
		"name": "azure-identity-token",
		"projected": map[string]any{"sources": []any{map[string]any{
			"serviceAccountToken": map[string]any{"audience": "api://AzureADTokenExchange", "path": "azure-identity-token"},
		}}},
	})
	return marshal(t, pod)
}

// owned gives a pod the reference that its controller writes.
func owned(t *testing.T, object []byte) []byte {
	t.Helper()
	var pod map[string]any
	if err := yaml.Unmarshal(object, &pod); err != nil {
		t.Fatal(err)
	}
	pod["metadata"].(map[string]any)["ownerReferences"] = []any{map[string]any{
		"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1", "controller": true,
	}}
	return marshal(t, pod)
}

func wantPod(t *testing.T, c *corpus.Case, object []byte) {
	t.Helper()
	text := c.Want[corpus.WantPodFile]
	if text == nil {
		text = c.PodJSON // unchanged
	}
	if c.Target().Origin != workload.FromUser {
		text = owned(t, text)
	}
	var got, want any
	if err := json.Unmarshal(object, &got); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the patched pod (-want +got):\n%s", diff)
	}
}

func wantEnsured(t *testing.T, cl *cluster, classes []provider.Class) {
	t.Helper()
	var want []string
	for _, class := range classes {
		want = append(want, corpus.Namespace+"/"+class.Name)
	}
	if diff := cmp.Diff(want, cl.ensured); diff != "" {
		t.Errorf("classes that were ensured (-want +got):\n%s", diff)
	}
}
