// Package inject is the engine of akv-injector. It decides what a pod that asks for secrets
// gets, and what is wrong with pods, the templates of workloads, and SecretProviderClasses.
//
// # Pods and templates
//
// A decision takes three steps: [Parse] reads what the annotations ask for, the caller looks up
// what [Request.Needs] names, and [Decide] plans the injection and runs the rules:
//
//	request := inject.Parse(workload.PodTarget(pod), namespace, settings)
//	known, err := facts.Gather(ctx, source, namespace, request.Needs())
//	decision := inject.Decide(request, known)
//
// The findings of a [Decision] are errors, which refuse the object, and warnings. A decision
// without errors about a pod that asks for injection has a JSON Patch, and the classes that
// must exist before the pod is stored. [Decision.WithVault] adds the vaults' answers, and
// [Decision.Describe] describes in lines what pods will get.
//
// # Classes
//
// [ParseClass] reads a SecretProviderClass, and [DecideClass] runs the rules on it.
// [DecideClassDeletion] warns about pods that still mount it.
//
// # Updates
//
// [OnUpdate] and [DecideClassUpdate] compare the decisions about an object before and after an
// update. Errors that the object had before are warnings.
//
// # Stored pods
//
// [Outdated] finds containers of running pods that keep outdated content, and [ParseStatus]
// reads what was injected.
//
// # Purity
//
// All functions are pure: they depend only on their arguments, without clients, clock,
// environment or log. The webhook, the kubectl plugin and the tests look up the facts in
// different ways and get the same decision.
package inject
