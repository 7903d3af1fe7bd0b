// Package lint runs the rules over manifests and writes down what they find.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
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
	// Workloads mount the class that the finding is about: kind and name of each.
	Workloads []string `json:"workloads,omitempty"`

	place *finding.Place
	// object that the finding is about, and the class whose content it is about, if that is another one.
	object, class *manifest.Object
}

// Where is the object that the finding is about, and the place in it.
func (f Finding) Where() (*manifest.Object, *finding.Place) { return f.object, f.place }

// Report is what is to be said of a set of manifests.
type Report struct {
	// Findings by file, line and rule.
	Findings []Finding
	// Problems with what could not be read.
	Problems []manifest.Problem
	// Source names where the objects come from, if not from files.
	Source string
	// Files and objects that were read, and objects that rules are about.
	Files, Objects, Checked int
	// Passed counts, by kind, the objects that nothing is known of.
	Passed map[string]int
	// ByShape counts objects of other kinds in which pods were found: Rollout spec.template.
	ByShape map[string]int
	// Unjudged are objects that rules are about, and that could not be checked.
	Unjudged []manifest.Problem
}

// Check runs the rules over the objects of a set. What they need to know of the cluster
// comes from the same set.
func Check(set *manifest.Set, cluster *manifest.Cluster, settings inject.Settings) *Report {
	r := &Report{
		Findings: []Finding{}, Problems: slices.Clone(set.Problems),
		Files: set.Files, Objects: len(set.Objects), Passed: map[string]int{}, ByShape: map[string]int{},
	}
	c := &checker{cluster: cluster, settings: settings}
	results := make([]result, len(set.Objects))
	set.Each(func(i int, o *manifest.Object) { results[i] = c.check(o) })
	for i, o := range set.Objects {
		r.add(o, &results[i])
	}
	r.tellElsewhere(results)
	r.Findings = append(r.Findings, namesakes(set, cluster)...)
	r.tellClassesOnce()
	// Not by severity: whoever fixes a file goes through it from top to bottom.
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(
			strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Rule, b.Rule),
			strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message),
		)
	})
	return r
}

// result is what was found in one object.
type result struct {
	findings []Finding
	checked  bool
	shapes   []string
	unjudged []manifest.Problem
	// elsewhere are objects in other folders, without which this one was judged.
	elsewhere []manifest.Ambiguity
}

func (r *Report) add(o *manifest.Object, found *result) {
	r.Findings = append(r.Findings, found.findings...)
	r.Unjudged = append(r.Unjudged, found.unjudged...)
	for _, problem := range found.unjudged {
		problem.Note = true
		r.Problems = append(r.Problems, problem)
	}
	for _, shape := range found.shapes {
		r.ByShape[shape]++
	}
	if found.checked {
		r.Checked++
		return
	}
	if o.Typed == nil {
		kind := o.Kind
		if o.OtherVersion() {
			kind = o.GroupVersionKind().GroupVersion().String() + " " + kind
		}
		r.Passed[kind]++
	}
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

// Skipped counts what could not be judged: objects, and templates that are not rendered.
func (r *Report) Skipped() int {
	n := len(r.Unjudged)
	for _, p := range r.Problems {
		if p.Note && p.Template {
			n++
		}
	}
	return n
}

type checker struct {
	cluster  *manifest.Cluster
	settings inject.Settings
}

// check returns what the rules find in an object.
func (c *checker) check(o *manifest.Object) (r result) {
	if going(o) {
		return r
	}
	view := c.cluster.From(o)
	if o.LooksLikePatch() {
		r.unjudged = append(r.unjudged, manifest.Problem{File: o.File, Line: o.Line(), Message: fmt.Sprintf(
			"the %s %s has neither provider nor objects: it looks like a patch of kustomize, and is not checked; to check what kustomize makes of it, give its folder with -k", o.Kind, o.Name)})
		return r
	}
	r.findings = append(r.findings, unknownFields(o, view)...)
	if class, isClass := o.Typed.(*secretsstorev1.SecretProviderClass); isClass {
		known := view.Facts(inject.ClassNeeds(class))
		r.checked = true
		r.place(c, o, view, nil, inject.DecideClass(inject.ParseClass(class, known.Namespace, c.settings), known))
		return r
	}
	pods, misfits := o.Pods()
	for i := range pods {
		r.checked = true
		r.checkPod(c, o, view, &pods[i])
	}
	for _, m := range misfits {
		r.unjudged = append(r.unjudged, manifest.Problem{File: o.File, Line: o.LineOf(m.At), Message: fmt.Sprintf(
			"%s of the %s %s looks like a pod, but is none: %v", m.At, o.Kind, o.Name, m.Err)})
	}
	if o.Typed == nil && len(pods) == 0 && o.Concerns() {
		r.unjudged = append(r.unjudged, manifest.Problem{File: o.File, Line: o.Line(), Message: fmt.Sprintf(
			"the %s %s mentions the secrets store or akv-injector, but nothing in it looks like a pod: it is not checked", o.Kind, o.Name)})
	}
	return r
}

// checkPod runs the rules on a pod or template in an object.
func (r *result) checkPod(c *checker, o *manifest.Object, view *manifest.View, pod *workload.Shape) {
	// Nothing has been added yet by webhooks that add sidecars.
	pod.Mutating = !pod.Template
	request := inject.Parse(pod.Target, view.Namespace(), c.settings)
	decision := inject.Decide(request, view.Facts(request.Needs()))
	r.place(c, o, view, pod, decision.Findings)
	for _, doubt := range view.Ambiguities(request.Needs()) {
		if len(doubt.Among) == 1 {
			r.elsewhere = append(r.elsewhere, doubt)
			continue
		}
		r.findings = append(r.findings, ambiguous(c, o, view, pod, doubt))
	}
	if o.Typed == nil {
		r.shapes = append(r.shapes, pod.String())
	}
}

func (r *result) place(c *checker, o *manifest.Object, view *manifest.View, pod *workload.Shape, found []finding.Finding) {
	for _, f := range found {
		if pod != nil {
			f.Place = pod.Real(f.Place)
		}
		placed := c.place(o, view, f)
		if f.Class != "" {
			placed.class = view.Class(f.Class)
		}
		r.findings = append(r.findings, placed)
	}
}

// going reports whether an object, read from a cluster, is being deleted. Admission lets it be.
func going(o *manifest.Object) bool {
	if o.Typed == nil {
		return false
	}
	m, err := meta.Accessor(o.Typed)
	return err == nil && m.GetDeletionTimestamp() != nil
}

// place finds the line of a finding. What is wrong in a namespace's annotations is reported
// of each object that it is wrong for, with its place in the namespace's own document.
func (c *checker) place(o *manifest.Object, view *manifest.View, f finding.Finding) Finding {
	at, place := o, f.Place
	if place.InNamespace() {
		if ns := view.NamespaceObject(); ns != nil {
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
		Kind: o.Kind, Namespace: c.cluster.NamespaceOf(o), Name: o.Name,
		Rule: rule, Severity: f.Severity, Field: f.Place.String(), place: f.Place, Message: f.Message, Fix: f.Fix,
		object: o,
	}
}
