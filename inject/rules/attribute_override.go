package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV009 reads the volumeAttributes of a volume against its class's parameters. The
// driver copies the attributes over the parameters (nodeserver.go), so a pod can quietly
// read another vault than its class says. The loop of driver 1.4.8 leaves them out: within
// one interval it puts what the class says in the place of what the mount got.
var attributeOverride = Rule{
	Rule: finding.Rule{
		ID: "AKV009", Name: "attribute-override", Severities: []finding.Severity{finding.Error},
		Lookups:  finding.Classes,
		Summary:  "A volumeAttribute that overrides a parameter of the volume's class.",
		Prevents: "The pod reads something else than its class says, and a change of the class does not reach it; with driver 1.4, whose rotation knows the class alone, the files change to what the class says.",
		Evidence: "Secrets Store CSI driver 1.6.0 copies the attributes over the parameters (nodeserver.go); the rotation of 1.4.8 leaves them out.",
		Remedy:   "Remove the attribute, or make a class of its own for the pod.",
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
		for _, key := range slices.Sorted(maps.Keys(v.CSI.VolumeAttributes)) {
			if key == provider.AttributeClass || key == provider.AttributeInterval || strings.HasPrefix(key, provider.PodContextPrefix) {
				continue
			}
			overridden := key
			_, overrides := class[key]
			if other := twin(key); !overrides && other != "" {
				_, overrides = class[other]
				overridden = other
			}
			if overrides {
				r.Error(field.ErrorTypeForbidden, v.attributePlace(text.Shorten(key)),
					fmt.Sprintf("The driver lets it override %s of the SecretProviderClass %q without a word.", text.Shorten(overridden), text.Shorten(v.ClassName)),
					"Remove the attribute, or make a class of its own for this pod.")
			}
		}
	}
}

// twin is the other spelling of a parameter that has two.
func twin(key string) string {
	switch key {
	case provider.ParamTenant:
		return provider.ParamTenantOld
	case provider.ParamTenantOld:
		return provider.ParamTenant
	}
	return ""
}
