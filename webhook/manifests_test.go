package webhook

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"akv-injector/inject"
	"akv-injector/inject/rules"
	"akv-injector/inject/workload"
)

// The API server says AKV021 by itself, from a policy; in the rule's own words.
func TestPolicySaysWhatTheRuleSays(t *testing.T) {
	manifests, err := os.ReadFile("../deploy/install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rule := inject.RuleByID("AKV021")
	before, after, ok := strings.Cut(rules.NotOptedInFix("NAME"), "NAME")
	if !ok {
		t.Fatal("the fix names no namespace")
	}
	want := "'" + rule.ID + " " + rule.Name + ": " + inject.NotOptedInMessage + " Fix: " + before + "' + variables.namespaceName + '" + after + "'"
	if !strings.Contains(string(manifests), want) {
		t.Errorf("deploy/install.yaml has not\n%s", want)
	}
}

// The API server calls us for every kind of workload that we check, and for no other.
func TestManifestsHaveTheKinds(t *testing.T) {
	var workloads []string
	for _, k := range workload.Kinds() {
		workloads = append(workloads, resourceOf(k.Group, k.Version, k.Resource))
	}
	slices.Sort(workloads)
	withPods := append(slices.Clone(workloads), resourceOf("", "v1", "pods"))
	slices.Sort(withPods)

	webhooks, policies := 0, 0
	eachManifest(t, func(kind string, object *manifest) {
		switch kind {
		case "ValidatingWebhookConfiguration":
			for _, w := range object.Webhooks {
				if *w.ClientConfig.Service.Path != ValidateWorkloadPath {
					continue
				}
				webhooks++
				if diff := cmp.Diff(workloads, resources(w.Rules)); diff != "" {
					t.Errorf("%s: -checked +called:\n%s", w.Name, diff)
				}
			}
		case "ValidatingAdmissionPolicy":
			if object.Metadata.Name != "akv-injector-not-opted-in" {
				return
			}
			policies++
			var matched []admissionregistrationv1.RuleWithOperations
			for _, r := range object.Spec.MatchConstraints.ResourceRules {
				matched = append(matched, r.RuleWithOperations)
			}
			if diff := cmp.Diff(withPods, resources(matched)); diff != "" {
				t.Errorf("the policy: -checked +matched:\n%s", diff)
			}
		}
	})
	if webhooks == 0 || policies == 0 {
		t.Errorf("%d webhooks for workloads and %d policies", webhooks, policies)
	}
}

// manifest has what is read of the webhook configurations and of the policy.
type manifest struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Webhooks []admissionregistrationv1.ValidatingWebhook `json:"webhooks"`
	Spec     struct {
		MatchConstraints admissionregistrationv1.MatchResources `json:"matchConstraints"`
	} `json:"spec"`
}

func eachManifest(t *testing.T, do func(kind string, object *manifest)) {
	t.Helper()
	text, err := os.ReadFile("../deploy/install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	documents := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		var object manifest
		switch err := documents.Decode(&object); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			t.Fatal(err)
		}
		do(object.Kind, &object)
	}
}

func resources(rules []admissionregistrationv1.RuleWithOperations) []string {
	var all []string
	for _, r := range rules {
		for _, group := range r.APIGroups {
			for _, version := range r.APIVersions {
				for _, name := range r.Resources {
					all = append(all, resourceOf(group, version, name))
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

func resourceOf(group, version, name string) string {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: name}.String()
}
