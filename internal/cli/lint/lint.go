// Package lint runs the rules over manifests and writes down what they find.
package lint

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/manifest"
)

// Annotations stands in place of a rule's id where the annotations themselves are wrong.
const Annotations = "annotations"

// Finding is one of the engine's, with its place in a file.
type Finding struct {
	File      string           `json:"file"`
	Line      int              `json:"line"`
	Kind      string           `json:"kind"`
	Namespace string           `json:"namespace"`
	Name      string           `json:"name"`
	Rule      string           `json:"rule"`
	Severity  finding.Severity `json:"severity"`
	Field     string           `json:"field"`
	Message   string           `json:"message"`
	Fix       string           `json:"fix"`

	place *finding.Place
}

// Report is what is to be said of a set of manifests.
type Report struct {
	// Findings by file, line and rule.
	Findings []Finding
	// Problems with what could not be read.
	Problems []manifest.Problem
	// Files and objects that were read, and objects that rules are about.
	Files, Objects, Checked int
	// Passed counts, by kind, the objects that nothing is known of.
	Passed map[string]int
}

// Check runs the rules over the objects of a set. What they need to know of the cluster
// comes from the same set.
func Check(set *manifest.Set, cluster *manifest.Cluster, settings inject.Settings) *Report {
	r := &Report{
		Findings: []Finding{}, Problems: set.Problems,
		Files: set.Files, Objects: len(set.Objects), Passed: map[string]int{},
	}
	c := &checker{cluster: cluster, settings: settings}
	found := make([][]Finding, len(set.Objects))
	checked := make([]bool, len(set.Objects))
	set.Each(func(i int, o *manifest.Object) {
		found[i], checked[i] = c.check(o)
	})
	for i, o := range set.Objects {
		r.Findings = append(r.Findings, found[i]...)
		if checked[i] {
			r.Checked++
		}
		if o.Typed == nil {
			kind := o.Kind
			if o.OtherVersion() {
				kind = o.GroupVersionKind().GroupVersion().String() + " " + kind
			}
			r.Passed[kind]++
		}
	}
	// Not by severity: whoever fixes a file goes through it from top to bottom.
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(
			strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Rule, b.Rule),
			strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message),
		)
	})
	return r
}

// Count of the findings of a severity.
func (r *Report) Count(s finding.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Unusable reports whether something could not be read, or nothing was there.
func (r *Report) Unusable() bool {
	return r.Objects == 0 || slices.ContainsFunc(r.Problems, func(p manifest.Problem) bool { return !p.Note })
}

type checker struct {
	cluster  *manifest.Cluster
	settings inject.Settings
}

// check returns what the rules find in an object; ok is false for one that no rule checks.
func (c *checker) check(o *manifest.Object) (findings []Finding, ok bool) {
	if o.Typed == nil || going(o) {
		return nil, false
	}
	namespace := c.cluster.NamespaceOf(o)
	var found []finding.Finding
	if class, isClass := o.Typed.(*secretsstorev1.SecretProviderClass); isClass {
		known := c.cluster.Facts(namespace, facts.Needs{CSIDriver: true})
		found = inject.DecideClass(inject.ParseClass(class, known.Namespace, c.settings), known)
	} else {
		target := workload.TargetOf(o.Typed)
		if target == nil {
			return nil, false
		}
		// Nothing has been added yet by webhooks that add sidecars.
		target.Mutating = !target.Template
		request := inject.Parse(target, c.cluster.Namespace(namespace), c.settings)
		decision := inject.Decide(request, c.cluster.Facts(namespace, request.Needs()))
		found = decision.Findings
	}
	for _, f := range found {
		findings = append(findings, c.place(o, namespace, f))
	}
	return findings, true
}

// going reports whether an object, read from a cluster, is being deleted. Admission lets it be.
func going(o *manifest.Object) bool {
	m, err := meta.Accessor(o.Typed)
	return err == nil && m.GetDeletionTimestamp() != nil
}

// place finds the line of a finding. What is wrong in a namespace's annotations is reported
// of each object that it is wrong for, with its place in the namespace's own document.
func (c *checker) place(o *manifest.Object, namespace string, f finding.Finding) Finding {
	at, place := o, f.Place
	if place.InNamespace() {
		if ns := c.cluster.NamespaceObject(namespace); ns != nil {
			at = ns
		} else {
			place = nil // the namespace has no document: the object stands for it
		}
	}
	rule := f.Rule
	if rule == "" {
		rule = Annotations
	}
	return Finding{
		File: at.File, Line: at.LineOf(place),
		Kind: o.Kind, Namespace: namespace, Name: o.Name,
		Rule: rule, Severity: f.Severity, Field: f.Place.String(), place: f.Place, Message: f.Message, Fix: f.Fix,
	}
}
