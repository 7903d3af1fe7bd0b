package inject

import (
	"fmt"
	"slices"

	"gomodules.xyz/jsonpatch/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// Decision is the answer for one pod.
type Decision struct {
	// Injected is set if the pod asks and nothing refuses it.
	Injected bool
	// Patch leads from the pod as it stands to the injected one; empty if it is that
	// already, or nothing is asked.
	Patch []jsonpatch.Operation
	// Classes that must exist before the pod is stored.
	Classes []provider.Class
	// Containers that have the mounts.
	Containers []string
	// Findings in a stable order, errors first.
	Findings []Finding
	// VaultObjects are those that the vaults are to be asked about (AKV020). Nothing has
	// been said of them yet; see WithVault.
	VaultObjects []facts.VaultObject

	vaultChecks []vaultCheck
}

// Errors are the findings that refuse the pod.
func (d *Decision) Errors() []Finding { return d.bySeverity(Error) }

// Warnings are the findings that are told and let pass.
func (d *Decision) Warnings() []Finding { return d.bySeverity(Warning) }

func (d *Decision) bySeverity(s Severity) []Finding {
	var findings []Finding
	for _, f := range d.Findings {
		if f.Severity == s {
			findings = append(findings, f)
		}
	}
	return findings
}

// maxAnnotations is the API server's bound on all annotations of an object together
// (Kubernetes 1.37.2, TotalAnnotationSizeLimitB).
const maxAnnotations = 256 * 1024

// Decide plans what the pod gets and runs the rules over the pod as it will be. It is
// a pure function: the same pod, admitted again in its patched form, gets no patch.
func Decide(t *workload.Target, r *Request, f facts.Facts) Decision {
	if r.tooLarge {
		return Decision{Findings: finding.Sort(r.Errors.Findings(r.tooLargeSeverity()))}
	}
	namespaceSeverity := Warning
	if r.Asks {
		// A namespace's misspelt setting, a fence above all, must not be lost on those
		// that the setting is for.
		namespaceSeverity = Error
	}
	findings := r.NamespaceErrors.Findings(namespaceSeverity)

	s := &subject{t: t, r: r, f: f, spec: t.Spec}
	var p plan
	if r.Asks {
		p = newPlan(t, r, f, r.version)
		findings = append(findings, p.findings...)
		findings = append(findings, p.checkStatusSize(t)...)
		s.spec = p.apply(t)
	}
	s.volumes = storeVolumes(s.spec, t.SpecPath(), f, &p)
	findings = append(findings, s.reservedNames()...)
	for _, check := range checks {
		findings = append(findings, check(s)...)
	}
	for i := range findings {
		findings[i] = r.spareController(r.policy(findings[i]))
	}
	// Whoever wrote one of our annotations asked for something, if only by a misspelt
	// name: its errors are spared nobody.
	findings = append(findings, r.Errors.Findings(Error)...)
	asked := s.vaultChecks()
	d := Decision{Findings: finding.Sort(findings), VaultObjects: asked.objects, vaultChecks: asked.checks}
	d.inject(t, r, f, &p)
	if f.Vault != nil {
		return d.WithVault(r, f)
	}
	return d
}

// inject completes the decision with what the pod gets, if it gets anything.
func (d *Decision) inject(t *workload.Target, r *Request, f facts.Facts, p *plan) {
	if f.Namespace != nil && !annotation.OptedIn(f.Namespace) {
		return // nobody is called there; see AKV021
	}
	if !r.Asks || finding.Refuses(d.Findings) {
		return
	}
	if len(p.volumes) < len(r.Mounts) {
		return // a template whose ServiceAccount is yet to come
	}
	d.Injected = true
	d.Patch = p.patch(t)
	d.Classes = p.classes
	d.Containers = p.status.Containers
}

func refuses(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error })
}

// WithVault is the decision with what the vaults say of its objects, which is in the
// facts. Decide does the same if it is given all facts at once.
func (d Decision) WithVault(r *Request, f facts.Facts) Decision {
	said := r.judgeVaults(d.vaultChecks, f)
	if len(said) == 0 {
		return d
	}
	for i := range said {
		said[i] = r.spareFromVault(r.policy(said[i]))
	}
	d.Findings = finding.Sort(slices.Concat(d.Findings, said))
	if finding.Refuses(d.Findings) {
		d.Injected, d.Patch, d.Classes, d.Containers = false, nil, nil, nil
	}
	return d
}

// spareFromVault lets a pod pass that a controller made, though it asks: what its template
// named was there when that was admitted. A secret that has expired since, or is gone, must
// not keep a drained node's pods from coming back; and the kubelet tries a mount again
// sooner than a controller a pod.
func (r *Request) spareFromVault(f Finding) Finding {
	if r.target.Origin != workload.FromUser {
		f.Severity = Warning
	}
	return f
}

// spareController lets a pod pass that a controller made and that asks for nothing:
// its template was the place to refuse it, and a drained node must not strand what ran
// yesterday. Only the cluster's own controllers pass the fence, since anybody else can
// write a controller reference into a pod.
func (r *Request) spareController(f Finding) Finding {
	if f.Severity != Error || r.Asks || r.target.Origin == workload.FromUser {
		return f
	}
	if f.Rule == vaultNotAllowedRule.ID && r.target.Origin != workload.FromBuiltinController {
		return f
	}
	f.Severity = Warning
	return f
}

// reservedNames refuses volumes of generated classes that the plan does not give.
func (s *subject) reservedNames() []Finding {
	var findings []Finding
	for i := range s.volumes {
		if v := &s.volumes[i]; provider.Reserved(v.ClassName) && v.generated == nil {
			findings = append(findings, Finding{
				Severity: Error, Type: field.ErrorTypeForbidden, Place: v.classPath(),
				Message: fmt.Sprintf("Classes whose names begin with %s are generated, and the pod's annotations do not lead to %q.", provider.GeneratedPrefix, text.Shorten(v.ClassName)),
				Fix:     fmt.Sprintf("Remove the volume and list the objects in %s.", annotation.Objects),
			})
		}
	}
	return findings
}

func (p *plan) checkStatusSize(t *workload.Target) []Finding {
	size := len(annotation.Status) + len(p.status.String())
	for k, v := range t.Meta.Annotations {
		if k != annotation.Status {
			size += len(k) + len(v)
		}
	}
	if size <= maxAnnotations {
		return nil
	}
	return []Finding{{
		Severity: Error, Type: field.ErrorTypeTooLong, Place: t.AnnotationPath(annotation.Objects),
		Message: fmt.Sprintf("With akv-injector's status the pod would have %d bytes of annotations, and Kubernetes takes %d.", size, maxAnnotations),
		Fix:     "Name fewer objects, or shorten the other annotations.",
	}}
}
