package rules

import "akv-injector/inject/finding"

// AKV032 is the linter's rule about objects of one name. In a cluster there is one.
var namesakes = Rule{
	Rule: finding.Rule{
		ID: "AKV032", Name: "namesakes", Severities: []finding.Severity{finding.Warning},
		Summary:  "Two objects of one kind, namespace and name in a file or folder, with other content; or an object that is used, and of which several files have one, none nearer than the others.",
		Prevents: "The one that is applied last is left: half of the secrets are missing, or they are another environment's.",
		Evidence: "kubectl 1.37.2 applies the documents of its input one after the other; each replaces what has its name.",
		Remedy:   "Give each a name of its own, put both into one class, or check one environment's folder at a time.",
	},
	FilesOnly: true,
}

// Namesakes returns the rule.
func Namesakes() Rule { return namesakes }
