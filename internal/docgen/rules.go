package main

import (
	"fmt"
	"strings"

	"akv-injector/inject"
)

const head = `# Rules

<!-- Written by go generate from the rule table in inject/. Do not edit. -->

Each rule finds one mistake that keeps a rotated secret from reaching the running
container, or keeps the pod from starting. An **error** refuses the object; a **warning** is
shown by kubectl, and the object is admitted. All findings of an object are reported at once,
each with its field and its fix. ` + "`kubectl akv explain AKV001`" + ` prints the text below.

The rules check pods, the templates of Deployments, StatefulSets, DaemonSets, ReplicaSets,
ReplicationControllers, Jobs and CronJobs, and SecretProviderClasses. Pods of other workloads
(Argo Rollouts, Knative Services) are checked when they are created.

An error refuses a pod that asks for injection, a pod that is created directly, and a template.
A pod that a controller created is not refused for a hand-written volume: it gets warnings, so
that pods of a drained node start again. The fence (AKV018) exempts no pod, since a tenant can
write what the cluster's own controllers make pods of. An update is refused only for mistakes that the stored
object did not have.

The errors of a **waivable** rule become warnings for an object that lists the rule's id in the
annotation ` + "`azure.keyvault.injector/allow`" + `, or whose namespace has
` + "`azure.keyvault.injector/rotation-policy: warn`" + `.

| id | name | severity | waivable | on | finds |
| --- | --- | --- | --- | --- | --- |
`

// rulesDocument is docs/rules.md.
func rulesDocument() string {
	var b strings.Builder
	b.WriteString(head)
	for _, r := range inject.Rules() {
		waivable := ""
		if r.Waivable {
			waivable = "yes"
		}
		fmt.Fprintf(&b, "| [%s](#%s-%s) | %s | %s | %s | %s | %s |\n", r.ID, strings.ToLower(r.ID), r.Name, r.Name,
			list(r.Severities), waivable, list(r.On()), r.Summary)
	}
	for _, r := range inject.Rules() {
		fmt.Fprintf(&b, "\n## %s %s\n\n%s\n\n**Prevents.** %s\n\n**Evidence.** %s\n\n**Fix.** %s\n",
			r.ID, r.Name, r.Summary, r.Prevents, r.Evidence, r.Remedy)
	}
	return b.String()
}

func list[T ~string](words []T) string {
	texts := make([]string, 0, len(words))
	for _, w := range words {
		texts = append(texts, string(w))
	}
	return strings.Join(texts, ", ")
}
