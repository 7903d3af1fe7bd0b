package convert

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/manifest"
)

// Result is what became of a set of manifests.
type Result struct {
	// Documents in the order of the input, those that go without text.
	Documents []Document
	// Converted workloads.
	Converted []*manifest.Object
	// Notes on the converted workloads: what is not quite as it was.
	Notes []Problem
	// Left are the workloads that were left as they were, and why.
	Left []Left
	// Dropped classes: every workload of the input that mounted them was converted.
	Dropped []*manifest.Object
	// Kept classes, because something that was not converted mounts them too.
	Kept []*manifest.Object
	// Namespaces that must opt in before the converted workloads are applied.
	Namespaces []string
}

// Left is a workload that was not converted.
type Left struct {
	Object   *manifest.Object
	Problems []Problem
}

// input is what a conversion looks at.
type input struct {
	set      *manifest.Set
	cluster  *manifest.Cluster
	settings inject.Settings
	trees    map[manifest.Document]*tree
}

// Convert turns each workload of a set whose secrets-store volumes annotations can say.
func Convert(set *manifest.Set, cluster *manifest.Cluster, s inject.Settings) (*Result, error) {
	in := &input{set: set, cluster: cluster, settings: s}
	r := &Result{}
	work := map[*manifest.Object]*conversion{}
	foreign := in.findForeign()
	for _, o := range set.Objects {
		pods, misfits := o.Pods()
		if len(pods) == 0 && len(misfits) > 0 && o.Concerns() {
			c := &conversion{in: in, object: o}
			c.fail(misfits[0].At, "This looks like a pod, and is none, so it is left alone.", "Correct it first; kubectl akv lint says more.")
			r.Left = append(r.Left, Left{o, c.problems})
		}
		for i := range pods {
			c := &conversion{in: in, object: o, target: pods[i].Target, shape: &pods[i]}
			c.foreign = foreign.usedBy(c)
			if len(storeVolumes(c.target.Spec)) == 0 && len(c.foreign) == 0 {
				continue
			}
			c.checkAnchors()
			if len(pods) > 1 {
				c.fail(pods[i].At, fmt.Sprintf("The object has %d pods, and one at a time is converted.", len(pods)), "Write the annotations by hand.")
			}
			if len(c.problems) == 0 {
				c.run()
			}
			if len(c.problems) > 0 {
				r.Left = append(r.Left, Left{o, c.problems})
				continue
			}
			work[o] = c
			r.Converted = append(r.Converted, o)
			r.Notes = append(r.Notes, c.notes...)
			r.optIn(cluster, o)
		}
	}
	r.Notes = append(r.Notes, foreign.unused()...)
	in.sortClasses(r, work)
	return r, r.write(in, work)
}

func (r *Result) optIn(cluster *manifest.Cluster, o *manifest.Object) {
	name := cluster.NamespaceOf(o)
	if !annotation.OptedIn(cluster.From(o).Namespace()) && !slices.Contains(r.Namespaces, name) {
		r.Namespaces = append(r.Namespaces, name)
	}
}

// class of the workload's namespace, or nil.
func (in *input) class(of *manifest.Object, name string) (*manifest.Object, *secretsstorev1.SecretProviderClass) {
	o := in.cluster.From(of).Class(name)
	if o == nil {
		return nil, nil
	}
	class, _ := o.Typed.(*secretsstorev1.SecretProviderClass)
	return o, class
}

// sortClasses finds the classes that nothing in the input mounts any more.
func (in *input) sortClasses(r *Result, work map[*manifest.Object]*conversion) {
	freed, needed := map[*manifest.Object]bool{}, map[*manifest.Object]bool{}
	for _, o := range in.set.Objects {
		for _, name := range classesIn(o) {
			class, _ := in.class(o, name)
			if class == nil {
				continue
			}
			if work[o] != nil {
				freed[class] = true
			} else {
				needed[class] = true
			}
		}
	}
	for _, o := range in.set.Objects {
		switch {
		case freed[o] && !needed[o] && !in.inAnchoredList(o):
			r.Dropped = append(r.Dropped, o)
		case freed[o]:
			r.Kept = append(r.Kept, o)
		}
	}
}

// inAnchoredList reports whether other objects may borrow text from this one.
func (in *input) inAnchoredList(o *manifest.Object) bool {
	if len(o.ListIndexes()) == 0 || o.Document().IsJSON() {
		return false
	}
	t := in.tree(o.Document())
	return t.err != nil || t.aliases
}

// classesIn are the classes that an object mounts or names, of whatever kind it is: a
// Rollout's pods need theirs too.
func classesIn(o *manifest.Object) []string {
	var value any
	if err := json.Unmarshal(o.JSON, &value); err != nil {
		return nil
	}
	var names []string
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				if name, ok := inner.(string); ok && (k == provider.AttributeClass || k == annotation.SecretProviderClass) {
					names = append(names, name)
				}
				look(inner)
			}
		case []any:
			for _, inner := range v {
				look(inner)
			}
		}
	}
	look(value)
	return names
}

// selector is what a workload finds its pods by.
func (in *input) selector(o *manifest.Object) map[string]string {
	if o.Typed == nil {
		return selectorOfAny(o)
	}
	labels := func(s *metav1.LabelSelector) map[string]string {
		if s == nil {
			return nil
		}
		all := map[string]string{}
		maps.Copy(all, s.MatchLabels)
		for _, e := range s.MatchExpressions {
			all[e.Key] = ""
		}
		return all
	}
	switch o := o.Typed.(type) {
	case *appsv1.Deployment:
		return labels(o.Spec.Selector)
	case *appsv1.StatefulSet:
		return labels(o.Spec.Selector)
	case *appsv1.DaemonSet:
		return labels(o.Spec.Selector)
	case *appsv1.ReplicaSet:
		return labels(o.Spec.Selector)
	case *corev1.ReplicationController:
		return o.Spec.Selector
	case *batchv1.Job:
		return labels(o.Spec.Selector)
	}
	return nil
}

// selectorOfAny is where workloads of other kinds mostly have theirs.
func selectorOfAny(o *manifest.Object) map[string]string {
	var object struct {
		Spec struct {
			Selector struct {
				MatchLabels map[string]string `json:"matchLabels"`
			} `json:"selector"`
		} `json:"spec"`
	}
	if json.Unmarshal(o.JSON, &object) != nil {
		return nil
	}
	return object.Spec.Selector.MatchLabels
}
