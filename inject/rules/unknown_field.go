package rules

import "akv-injector/inject/finding"

// AKV031 is the linter's rule about fields that Kubernetes does not have. The API server drops them, or refuses the
// object if the client asks it to be strict, so that admission never sees them.
var unknownField = Rule{
	Rule: finding.Rule{
		ID: "AKV031", Name: "unknown-field", Severities: []finding.Severity{finding.Warning},
		Summary:  "A field that Kubernetes does not have, or an annotation of workload identity that its webhook does not read.",
		Prevents: "What the field was to do does not happen: readonly, volumeAttribute and secretobjects are as good as nothing.",
		Evidence: "The API server 1.37.2 compares names of fields with case, and drops unknown ones (fieldValidation: Ignore, Warn) or refuses the object (Strict, which kubectl asks for).",
		Remedy:   "Correct the field's name or its place.",
	},
	FilesOnly: true,
}

// UnknownField returns the rule.
func UnknownField() Rule { return unknownField }
