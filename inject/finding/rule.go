package finding

// Rule describes a rule for messages, docs and waivers. Its code is in package rules.
type Rule struct {
	// ID never changes its meaning: AKV001.
	ID string
	// Name in a word or two: subpath.
	Name string
	// Severities that its findings can have, the gravest first.
	Severities []Severity
	// Waivable rules obey the allow annotation and rotation-policy.
	Waivable bool
	// Repair of its findings that a program can make in a file; empty if only a person can.
	Repair Repair
	// Exempts are the pods created by a controller that the rule only warns about.
	Exempts Exemption
	// OptedOut is set if the rule applies only in namespaces that have not opted in.
	OptedOut bool
	// Outdates is set if a finding means that a running container keeps old content
	// although the mount is current.
	Outdates bool
	// Lookups are the facts that its findings rest on, besides the object itself and, for a
	// waivable rule, its namespace.
	Lookups Lookups
	// Summary describes what the rule finds.
	Summary string
	// Prevents is the failure of rotation that it prevents.
	Prevents string
	// Evidence is how that is known: which component does what, in which version.
	Evidence string
	// Remedy is how to fix what the rule finds.
	Remedy string
}

// Exemption is the set of pods created by a controller that a rule only warns about. The
// place to refuse them was their template: a pod that ran before must be able to start
// again after its node is drained.
type Exemption int

const (
	// NotAsking are pods that ask for nothing.
	NotAsking Exemption = iota
	// NoPods: the rule refuses every pod.
	NoPods
	// AskingToo are all pods that a controller created.
	AskingToo
)

// Repair is a change of the field in which a rule found something.
type Repair string

const (
	// SetTrue sets the field to true.
	SetTrue Repair = "set-true"
	// MountFolder removes the subPath and mounts the folder in which the file stands.
	MountFolder Repair = "mount-folder"
)
