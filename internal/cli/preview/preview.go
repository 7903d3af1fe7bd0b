package preview

import (
	"bytes"
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/manifest"
)

// Cluster is asked for what a decision needs to know.
type Cluster interface {
	NamespaceOf(o *manifest.Object) string
	// Namespace of an object is nil where it is not known.
	Namespace(ctx context.Context, o *manifest.Object) (*corev1.Namespace, error)
	Facts(ctx context.Context, o *manifest.Object, needs facts.Needs) (facts.Facts, error)
	// Ambiguities are objects that the decision needs, of which files have several.
	Ambiguities(o *manifest.Object, needs facts.Needs) []manifest.Ambiguity
}

// Outcome says in a word what becomes of an object.
type Outcome int

const (
	// Unchanged objects do not ask, or their namespace has not opted in.
	Unchanged Outcome = iota
	// Injected objects, or their pods, get what they ask for.
	Injected
	// Refused objects, or their pods, are not stored.
	Refused
	// Unknown is what becomes of them while something is missing.
	Unknown
)

// Item is one pod or workload and what becomes of it.
type Item struct {
	Object    *manifest.Object
	Target    *workload.Target
	Namespace string
	Outcome   Outcome
	// Why an object is unchanged, or it is not known.
	Why string
	// After is the object's JSON with what its pods get; Object.JSON where nothing changes.
	After    []byte
	Classes  []provider.Class
	Findings []finding.Finding
	shape    *workload.Shape
	// Described says in lines what the pods get.
	Described []string
}

// Of previews every pod and workload of a set.
func Of(ctx context.Context, set *manifest.Set, cluster Cluster, s inject.Settings) ([]Item, error) {
	var items []Item
	for _, o := range set.Objects {
		pods, _ := o.Pods()
		after := o.JSON
		for i := range pods {
			item := Item{Object: o, Target: pods[i].Target, Namespace: cluster.NamespaceOf(o), After: after, shape: &pods[i]}
			if err := item.preview(ctx, cluster, s); err != nil {
				return nil, err
			}
			after = item.After // of several pods in an object
			items = append(items, item)
		}
	}
	return items, nil
}

func (item *Item) preview(ctx context.Context, cluster Cluster, s inject.Settings) error {
	t := item.Target
	ns, err := cluster.Namespace(ctx, item.Object)
	if err != nil {
		return err
	}
	if workload.Mirror(t.Meta) && t.Kind == "Pod" {
		item.Why = "it is the API server's image of a static pod"
		return nil
	}
	if item.going() {
		item.Why = "it is being deleted"
		return nil
	}
	// Webhooks that add sidecars may yet add one that the pod names.
	t.Mutating = !t.Template
	r := inject.Parse(t, ns, s)
	if doubt := cluster.Ambiguities(item.Object, r.Needs()); len(doubt) > 0 {
		item.Outcome, item.Why = Unknown, doubt[0].String()
		return nil
	}
	known, err := cluster.Facts(ctx, item.Object, r.Needs())
	if err != nil {
		return err
	}
	d := inject.Decide(r, known)
	if ns != nil && !annotation.OptedIn(ns) {
		item.Why = "the namespace " + item.Namespace + " has not opted in; run: " + annotation.OptInCommand(item.Namespace)
		item.Findings = d.WithoutOptIn()
		return nil
	}
	item.Findings = d.Findings
	switch missing := r.MissingAccount(known); {
	case len(d.Errors()) > 0:
		item.Outcome = Refused
		return nil
	case missing != "":
		item.Outcome = Unknown
		item.Why = "the ServiceAccount " + item.Namespace + "/" + missing + " is not among the files, and it says who reads the vault; give its file too (-f), or look in the cluster (--live)"
		return nil
	case !r.Asks():
		item.Why = "it does not ask"
		return nil
	case item.shape.Bare():
		item.Why = "what it makes pods of has no place for annotations"
		return nil
	case !d.Injected:
		// A template whose ServiceAccount does not exist: a warning for it, and a refusal
		// of each of its pods.
		item.Outcome = Refused
		return nil
	}
	item.Outcome, item.Classes = Injected, d.Classes
	item.Described = d.Describe(known)
	item.After, err = Apply(item.After, t.Path, d.Patch)
	return err
}

// going reports whether the object, read from a cluster, is being deleted.
func (item *Item) going() bool {
	m, err := meta.Accessor(item.Object.Typed)
	return err == nil && m.GetDeletionTimestamp() != nil
}

// Diff is the unified diff of the pod before and after, or "" if there is none. Of a
// workload it is the pods' template.
func (item *Item) Diff() (string, error) {
	before, err := podYAML(item.Object.JSON, item.Target)
	if err != nil {
		return "", err
	}
	after, err := podYAML(item.After, item.Target)
	if err != nil {
		return "", err
	}
	return unified(item.labels(before, after)), nil
}

func podYAML(object []byte, t *workload.Target) (string, error) {
	raw, err := At(object, t.Path)
	if err != nil {
		return "", err
	}
	text, err := yaml.JSONToYAML(raw)
	return string(text), err
}

// ClassJSON is a generated class as it is applied, in the namespace that the object names.
func (item *Item) ClassJSON(c provider.Class) (json.RawMessage, error) {
	text, err := json.Marshal(c.Object(item.Object.Namespace))
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&fields); err != nil {
		return nil, err
	}
	// Written by the API server and the driver.
	delete(fields, "status")
	if metadata, ok := fields["metadata"].(map[string]any); ok {
		delete(metadata, "creationTimestamp")
	}
	return json.Marshal(fields)
}
