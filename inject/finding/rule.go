package finding

// Rule is what messages, docs and waivers know of a rule. Its code is in package rules.
type Rule struct {
	// ID never changes its meaning: AKV001.
	ID string
	// Name in a word or two: subpath.
	Name string
	// Severities that its findings can have, the gravest first.
	Severities []Severity
	// Waivable rules obey the allow annotation and rotation-policy.
	Waivable bool
	// Summary says what the rule finds.
	Summary string
	// Prevents says which failure of rotation it prevents.
	Prevents string
	// Evidence says how that is known: which component, in which version, does what.
	Evidence string
	// Remedy says how to fix what the rule finds.
	Remedy string
}
