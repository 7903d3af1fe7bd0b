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
	// Spares says which pods that a controller made the rule only warns about.
	Spares Spares
	// OptedOut is set if the rule holds in namespaces that have not opted in, and only there.
	OptedOut bool
	// Outdates is set if a finding says that a running container keeps an old content,
	// though the mount is current.
	Outdates bool
	// Lookups are the facts that its findings rest on, besides the object itself and, for a
	// waivable rule, its namespace.
	Lookups Lookups
	// Summary says what the rule finds.
	Summary string
	// Prevents says which failure of rotation it prevents.
	Prevents string
	// Evidence says how that is known: which component, in which version, does what.
	Evidence string
	// Remedy says how to fix what the rule finds.
	Remedy string
}

// Spares says which pods that a controller made a rule only warns about: the template was
// the place to refuse them, and a drained node must not strand what ran yesterday.
type Spares int

const (
	// NotAsking are pods that ask for nothing.
	NotAsking Spares = iota
	// BuiltinOnly are those among them that the cluster's own controllers made: anybody
	// else can write a controller reference into a pod.
	BuiltinOnly
	// AskingToo are all pods that a controller made.
	AskingToo
)
