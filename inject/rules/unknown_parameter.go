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
		Summary:  "A parameter of a class that neither the driver nor the Azure provider reads.",
		Prevents: "What the parameter was to do does not happen, and nothing says so.",
		Evidence: "Azure provider 1.8.2 reads its parameters by name and with case (pkg/provider/types/parameters.go); Secrets Store CSI driver 1.6.0 reads none.",
		Remedy:   "Correct the name, or remove the parameter.",
	},
	Class: checkUnknownParameters,
}

func checkUnknownParameters(c *Class, r *Report) {
	known := provider.ClassParameters()
	for _, key := range slices.Sorted(maps.Keys(c.Spec.Parameters)) {
		if slices.Contains(known, key) || strings.HasPrefix(key, provider.PodContextPrefix) {
			continue
		}
		if r.Full() {
			return
		}
		r.Warn(field.ErrorTypeNotSupported, parameters().Child(key),
			fmt.Sprintf("Nobody reads the parameter %q.", text.Shorten(key)), unknownParameterFix(key, known))
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
