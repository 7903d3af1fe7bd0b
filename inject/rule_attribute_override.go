package inject

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV009 reads the volumeAttributes of a volume against its class's parameters. The
// driver copies the attributes over the parameters (nodeserver.go), so a pod can quietly
// read another vault than its class says. The loop of driver 1.4.8 leaves them out: within
// one interval it puts what the class says in the place of what the mount got.
var attributeOverrideRule = Rule{
	ID: "AKV009", Name: "attribute-override", Severities: []Severity{Error},
	Summary:  "A volumeAttribute that overrides a parameter of the volume's class.",
	Prevents: "The pod reads something else than its class says, and a change of the class does not reach it; with driver 1.4, whose rotation knows the class alone, the files change to what the class says.",
	Evidence: "Secrets Store CSI driver 1.6.0 copies the attributes over the parameters (nodeserver.go); the rotation of 1.4.8 leaves them out.",
	Remedy:   "Remove the attribute, or make a class of its own for the pod.",
	On:       podsAndTemplates,
}

func checkAttributeOverride(s *subject) []Finding {
	var findings []Finding
	for i := range s.volumes {
		v := &s.volumes[i]
		parameters := v.classParameters()
		if parameters == nil {
			continue
		}
		for _, key := range sortedKeys(v.CSI.VolumeAttributes) {
			if key == provider.AttributeClass || key == provider.AttributeInterval || strings.HasPrefix(key, provider.PodContextPrefix) {
				continue
			}
			overridden := key
			_, overrides := parameters[key]
			if other := twin(key); !overrides && other != "" {
				_, overrides = parameters[other]
				overridden = other
			}
			if overrides {
				findings = append(findings, found("AKV009", Error, field.ErrorTypeForbidden, v.attributePath(text.Shorten(key)),
					fmt.Sprintf("The driver lets it override %s of the SecretProviderClass %q without a word.", text.Shorten(overridden), text.Shorten(v.ClassName)),
					"Remove the attribute, or make a class of its own for this pod."))
			}
		}
	}
	return findings
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
