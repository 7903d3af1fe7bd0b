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

// AKV025 checks a class for parameters that nobody reads. The provider 1.8.2 compares their names with
// case (pkg/provider/types), so that a misspelt one is as good as none.
var unknownParameter = Rule{
	Rule: finding.Rule{
		ID: "AKV025", Name: "unknown-parameter", Severities: []finding.Severity{finding.Warning},
		Summary:  "A parameter of a class, a field of one of its objects, or an attribute of a volume that neither the driver nor the Azure provider reads.",
		Prevents: "What the parameter was to do does not happen, and nothing says so.",
		Evidence: "Azure provider 1.8.2 reads its parameters by name and with case (pkg/provider/types/parameters.go); Secrets Store CSI driver 1.6.0 reads none.",
		Remedy:   "Correct the name, or remove the parameter.",
	},
	Pod:   checkUnknownAttributes,
	Class: checkUnknownParameters,
}

// checkUnknownAttributes finds attributes of a volume that nobody reads. The driver hands them to the provider.
func checkUnknownAttributes(p *Pod, r *Report) {
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if v.Class != nil && !v.Class.Azure() {
			continue
		}
		others := v.otherAttributes()
		if len(others) == 0 {
			continue
		}
		known := append(provider.ClassParameters(), provider.AttributeClass, provider.AttributeInterval)
		for _, key := range others {
			if slices.Contains(known, key) {
				continue
			}
			if r.NoMoreWarnings() {
				return
			}
			fix := unknownParameterFix(key, known)
			if strings.EqualFold(key, provider.AttributeInterval) {
				fix = fmt.Sprintf("Write %s: upper and lower case matter.", provider.AttributeInterval)
			}
			if key == "nodePublishSecretRef" || key == "nodePublishSecretRef.name" {
				fix = "Move it beside volumeAttributes: csi.nodePublishSecretRef.name."
			}
			r.Warn(field.ErrorTypeNotSupported, v.attributePlace(key), fmt.Sprintf("Nobody reads the attribute %q.", text.Shorten(key)), fix)
		}
	}
}

func checkUnknownParameters(c *Class, r *Report) {
	known := provider.ClassParameters()
	for _, key := range slices.Sorted(maps.Keys(c.Spec.Parameters)) {
		if slices.Contains(known, key) || strings.HasPrefix(key, provider.PodContextPrefix) {
			continue
		}
		if r.NoMoreWarnings() {
			return
		}
		r.Warn(field.ErrorTypeNotSupported, parameters().Child(key),
			fmt.Sprintf("Nobody reads the parameter %q.", text.Shorten(key)), unknownParameterFix(key, known))
	}
	if len(c.Errors) > 0 {
		return
	}
	fields := provider.ObjectFields()
	for _, f := range provider.UnknownFields(c.Spec.Parameters[provider.ParamObjects]) {
		if r.NoMoreWarnings() {
			return
		}
		fix := text.Instruction(text.DidYouMean(f.Name, fields))
		for _, name := range fields {
			if strings.EqualFold(name, f.Name) {
				fix = fmt.Sprintf("Write %s: upper and lower case matter.", name)
			}
		}
		r.Warn(field.ErrorTypeNotSupported, parameters().Child(provider.ParamObjects).Index(f.Index).Child(f.Name),
			fmt.Sprintf("The provider has no field %q for an object, and ignores it.", text.Shorten(f.Name)), fix)
	}
}

func unknownParameterFix(key string, known []string) string {
	if strings.EqualFold(key, provider.AttributeInterval) {
		return "Move it to the volumeAttributes of the volume: an interval is a volume's, not a class's."
	}
	for _, k := range known {
		if strings.EqualFold(k, key) {
			return fmt.Sprintf("Write %s: upper and lower case matter.", k)
		}
	}
	if near := text.Nearest(key, known); near != "" {
		return fmt.Sprintf("Did you mean %s?", near)
	}
	return "Remove it, or correct its name."
}
