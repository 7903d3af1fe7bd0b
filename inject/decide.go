package inject

import (
	"fmt"
	"slices"

	"gomodules.xyz/jsonpatch/v2"

	"akv-injector/inject/annotation"
	"akv-injector/inject/description"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/plan"
	"akv-injector/inject/provider"
	"akv-injector/inject/rules"
)

// Decision is the answer for one pod or template.
type Decision struct {
	// Injected is set if the pod asks for injection and no finding refuses it.
	Injected bool
	// Patch turns the submitted pod into the injected one. It is empty if the pod is already
	// injected, or does not ask for injection.
	Patch []jsonpatch.Operation
	// Classes that must exist before the pod is stored.
	Classes []provider.Class
	// Containers that have the mounts.
	Containers []string
	// Findings in a stable order, errors first.
	Findings []finding.Finding
	// VaultObjects are the objects to query in the vaults; see WithVault.
	VaultObjects []facts.VaultObject

	request *Request
	// pod is nil if it is too large to be checked.
	pod *rules.Pod
}

// Decide plans what the pod gets and runs the rules on the pod as it will be. If the patched
// pod is admitted again, its patch is empty.
func Decide(r *Request, f facts.Facts) Decision {
	if r.asked.TooLarge {
		return Decision{Findings: finding.Sort(r.asked.Errors.Findings(r.policy.TooLarge(r.Target))), request: r}
	}
	if f.TooLarge {
		return Decision{Findings: classesTooLarge(r), request: r}
	}
	allowed := r.policy.At(f.Now)
	namespaceSeverity := finding.Warning
	planned := &plan.Plan{}
	if r.Asks() {
		// A misspelt setting of the namespace, above all its fence, must not be ignored for
		// the pods that it is meant for.
		namespaceSeverity = finding.Error
		planned = plan.New(r.Target, r.asked, f, r.version)
	}
	d := Decision{request: r, pod: rules.NewPod(r.Target, r.asked, allowed, f, planned)}
	findings := slices.Concat(
		r.policy.NamespaceErrors.RestOn(finding.Namespace).Findings(namespaceSeverity),
		planned.Errors, d.pod.CheckReserved(), d.pod.Check(),
	)
	findings = slices.DeleteFunc(findings, allowed.Silences)
	for i := range findings {
		findings[i] = allowed.Apply(findings[i])
	}
	// The author of one of our annotations asked for something, even if its name is
	// misspelt: these errors are never downgraded.
	findings = append(findings, r.asked.Errors.Findings(finding.Error)...)
	findings = append(findings, r.policy.Errors.Findings(finding.Error)...)
	findings = append(findings, allowed.Ended()...)
	d.Findings, d.VaultObjects = finding.Sort(findings), d.pod.VaultObjects()
	d.inject(f, planned)
	if f.Vault != nil {
		return d.WithVault(f)
	}
	return d
}

// classesTooLarge is the finding of a pod whose classes have more content than is read for one
// decision.
func classesTooLarge(r *Request) []finding.Finding {
	e := finding.TooLong(r.Target.SpecPath().Child("volumes"), facts.MaxRead)
	e.Problem = finding.Problem{
		What: fmt.Sprintf("the SecretProviderClasses that the pod names must have at most %d bytes of content together", facts.MaxRead),
		Fix:  "reduce the number of classes, or their objects",
	}
	e.Lookups = finding.Classes
	return finding.FieldErrors{e}.Findings(r.policy.TooLarge(r.Target))
}

// inject completes the decision with what the pod gets, if it gets anything.
func (d *Decision) inject(f facts.Facts, planned *plan.Plan) {
	if f.Namespace != nil && !annotation.OptedIn(f.Namespace) {
		return // no webhook is called there
	}
	if !d.request.Asks() || finding.Refuses(d.Findings) || !planned.Complete(d.request.asked) {
		return
	}
	d.Injected = true
	d.Patch = planned.Patch(d.request.Target)
	d.Classes = planned.Classes
	d.Containers = planned.Containers
}

// WithVault returns the decision with the vaults' answers about its objects, which are in the
// facts. [Decide] does the same if the facts already have the answers.
func (d *Decision) WithVault(f facts.Facts) Decision {
	with := *d
	if d.pod == nil {
		return with
	}
	d.pod.Facts.Vault, d.pod.Facts.Now = f.Vault, f.Now
	found := d.pod.CheckVaults()
	if len(found) == 0 {
		return with
	}
	for i := range found {
		found[i] = d.pod.Policy.Apply(found[i])
	}
	with.Findings = finding.Sort(slices.Concat(d.Findings, found))
	if finding.Refuses(with.Findings) {
		with.Injected, with.Patch, with.Classes, with.Containers = false, nil, nil, nil
	}
	return with
}

// Errors returns the findings that refuse the pod.
func (d *Decision) Errors() []finding.Finding { return finding.Errors(d.Findings) }

// WithoutOptIn returns the findings that apply in a namespace that has not opted in, where the
// webhook is not called.
func (d *Decision) WithoutOptIn() []finding.Finding {
	return slices.DeleteFunc(slices.Clone(d.Findings), func(f finding.Finding) bool {
		rule := RuleByID(f.Rule)
		return rule == nil || !rule.OptedOut
	})
}

// Uses are the objects of vaults that the pod reads, and how each container takes a change, whether or not the pod is refused.
func (d *Decision) Uses() []Use {
	if d.pod == nil {
		return nil
	}
	return d.pod.Uses()
}

// Describe describes in lines what pods of the target get. It returns nothing if the target is
// refused or mounts no secrets.
//
// The lines report whether a generated class exists if the facts have it by its name in
// Classes.
func (d *Decision) Describe(f facts.Facts) []string {
	if d.pod == nil || finding.Refuses(d.Findings) || d.request.Asks() && f.Namespace != nil && !annotation.OptedIn(f.Namespace) {
		return nil
	}
	return description.Of(d.pod, f)
}
