package inject

import "akv-injector/inject/rules"

type (
	// Use is the use of an object of a vault by a pod.
	Use = rules.Use
	// Identity reads a vault.
	Identity = rules.Identity
	// Takes says how a container takes a new version.
	Takes = rules.Takes
)

// Ways to take a new version, the best first.
const (
	TakesFile    = rules.TakesFile
	TakesRestart = rules.TakesRestart
	TakesNextRun = rules.TakesNextRun
	TakesNever   = rules.TakesNever
)

// Kinds of identities by which a workload's own account reads a vault.
const (
	KindFederated = rules.KindFederated
	KindBinding   = rules.KindBinding
	// KindUnknown is that of a pod whose identity is not known yet.
	KindUnknown = rules.KindUnknown
)
