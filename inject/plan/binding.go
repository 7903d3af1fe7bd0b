package plan

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// binding reports whether the identity is reached through an identity binding. What is not known never makes it so: a class of
// another name would be another secret's mount to the kubelet, and the choice must not depend on the moment.
func (p *planner) binding() bool {
	switch p.r.IdentityMode.Value {
	case annotation.IdentityBinding:
		return true
	case annotation.IdentityAuto:
		return p.r.Generates() && p.mayBind()
	}
	return false
}

func (p *planner) mayBind() bool {
	account := p.r.AccountPlanned()
	use := facts.Use{Account: account, ClientID: p.f.BindingClient(account, p.r.ClientID.Value)}
	switch permission, asked := p.f.Uses[use]; {
	case !asked:
		return false // as in a linter, or without an identity, which a rule reports
	case permission == facts.NotKnown:
		place := p.r.IdentityMode.Path
		if place == nil {
			place = p.t.AnnotationPath(annotation.IdentityMode)
		}
		p.fail(field.ErrorTypeInvalid, place,
			fmt.Sprintf("The API server could not tell whether the ServiceAccount %q may use the identity %s through a binding, so identity-mode auto cannot choose.", text.Shorten(account), use.ClientID),
			"Try again, or set "+annotation.IdentityMode+" to federated or binding.")
		return false
	case permission != facts.Allowed:
		return false
	}
	return provider.RequestsToken(p.f.CSIDriver, provider.BindingAudience)
}

// planBinding gives the pod what its own SDKs need to use the binding too, unless it wants nothing of that kind.
func (p *planner) planBinding() {
	if !p.r.IdentityLabel {
		return
	}
	const on = "true"
	if v, ok := p.t.Meta.Annotations[provider.AnnotationUseBinding]; ok && v != on {
		p.fail(field.ErrorTypeInvalid, p.t.AnnotationPath(provider.AnnotationUseBinding),
			fmt.Sprintf("The annotation has the value %q, but akv-injector would set it to \"true\".", text.Shorten(v)),
			fmt.Sprintf("Remove the annotation, or set %s: federated.", annotation.IdentityMode))
		return
	}
	p.annotations = map[string]string{provider.AnnotationUseBinding: on}
}
