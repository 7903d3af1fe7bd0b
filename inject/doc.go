// Package inject is the engine of akv-injector: it decides what a pod that asks gets, and
// what is wrong with pods, the templates of workloads, and SecretProviderClasses.
//
// A decision takes three steps. [Parse] reads what is asked and what is allowed; the
// caller looks up what [Request.Needs] names (package facts gathers it); [Decide] plans the
// JSON Patch and the classes behind it, and runs the rules:
//
//	request := inject.Parse(workload.PodTarget(pod), namespace, settings)
//	known, err := facts.Gather(ctx, source, namespace, request.Needs())
//	decision := inject.Decide(request, known)
//
// A class goes the same way: [ParseClass], then [DecideClass]. [OnUpdate] and
// [DecideClassUpdate] allow what an object had before its update.
//
// Everything here is a pure function of its arguments. There are no clients, no clock, no
// environment and no log: the webhook, the kubectl plugin and the tests look up the facts in
// their own ways and get the same answer.
package inject
