package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV009 compares the volumeAttributes of a volume with its class's parameters. The
// driver copies the attributes over the parameters (nodeserver.go), so a pod can silently
// read another vault than its class names. The rotation loop of driver 1.4.8 ignores the
// attributes: within one interval it replaces the mounted files with those of the class.
var attributeOverride = Rule{
	Rule: finding.Rule{
		ID: "AKV009", Name: "attribute-override", Severities: []finding.Severity{finding.Error},
		Lookups:  finding.Classes,
		Summary:  "A volumeAttribute that overrides a parameter of the volume's class.",
		Prevents: "The pod reads other content than its class names, and a change of the class does not reach it. With driver 1.4, whose rotation reads only the class, the files change to those of the class.",
		Evidence: "Secrets Store CSI driver 1.6.0 copies the attributes over the parameters (nodeserver.go); the rotation of 1.4.8 ignores them.",
		Remedy:   "Remove the attribute, or create a separate class for the pod.",
	},
	Pod: checkAttributeOverride,
}

func checkAttributeOverride(p *Pod, r *Report) {
	for i := range p.Volumes {
		v := &p.Volumes[i]
		class := v.classParameters()
		if class == nil {
			continue
		}
		for _, key := range v.otherAttributes() {
			if r.Full() {
				return
			}
			overridden := key
			_, overrides := class[key]
			if other := twin(key); !overrides && other != "" {
				_, overrides = class[other]
				overridden = other
			}
			if overrides {
				r.Error(field.ErrorTypeForbidden, v.attributePlace(text.Shorten(key)),
					fmt.Sprintf("The attribute silently overrides %s of the SecretProviderClass %q.", text.Shorten(overridden), text.Shorten(v.ClassName)),
					"Remove the attribute, or create a separate class for this pod.")
			}
		}
	}
}

// twin returns the other spelling of a parameter that has two, or "".
func twin(key string) string {
	switch key {
	case provider.ParamTenant:
		return provider.ParamTenantOld
	case provider.ParamTenantOld:
		return provider.ParamTenant
	}
	return ""
}
