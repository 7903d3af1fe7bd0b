package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// CheckReserved reports volumes of generated classes that are not in the plan.
func (p *Pod) CheckReserved() []finding.Finding {
	var findings []finding.Finding
	for i := range p.Volumes {
		if v := &p.Volumes[i]; provider.Reserved(v.ClassName) && v.Generated == nil {
			fix := fmt.Sprintf("Remove the volume and list the objects in %s.", annotation.Objects)
			if _, injected := p.Target.Meta.Labels[annotation.LabelInjected]; injected && p.Request.Asks {
				// Written by an earlier round of this admission, most likely.
				fix = "If nobody wrote the volume by hand, the ServiceAccount or the Namespace changed during admission: create the pod again. Otherwise remove the volume."
			}
			findings = append(findings, finding.Finding{
				Severity: finding.Error, Type: field.ErrorTypeForbidden, Place: v.classPlace(),
				Lookups: finding.Namespace | finding.ServiceAccounts,
				Message: fmt.Sprintf("Names that begin with %s are reserved for generated classes, and the pod's annotations do not generate %q.", provider.GeneratedPrefix, text.Shorten(v.ClassName)),
				Fix:     fix,
			})
		}
	}
	return findings
}
