// The ruledocs command writes docs/rules.md from the rule table, so that the two
// cannot differ.
package main

import (
	"fmt"
	"os"
	"strings"

	"akv-injector/inject"
)

const head = `# Rules

<!-- Written by go generate from the rule table in inject/. Do not edit. -->

Each rule finds one mistake that keeps a rotated secret from reaching the running
container, or keeps the pod from starting. An **error** refuses the pod; a **warning** is
shown by kubectl and lets it pass. All findings of a pod come at once, each with its
field and its fix.

A pod that asks for injection, and a pod that somebody creates directly, is refused. A pod
that a controller made is never refused for a volume that was written by hand: it gets
warnings, so that a drained node strands nothing. The fence (AKV018) holds for every pod
but those of the cluster's own controllers.

A **waivable** rule lets a pod pass that lists its id in the annotation
` + "`azure.keyvault.injector/allow`" + `, or whose namespace has
` + "`azure.keyvault.injector/rotation-policy: warn`" + `; what it found is then a warning.

| id | name | severity | waivable | finds |
| --- | --- | --- | --- | --- |
`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: ruledocs FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], []byte(document()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func document() string {
	var b strings.Builder
	b.WriteString(head)
	for _, r := range inject.Rules() {
		severities := make([]string, 0, len(r.Severities))
		for _, s := range r.Severities {
			severities = append(severities, string(s))
		}
		waivable := ""
		if r.Waivable {
			waivable = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.ID, r.Name, strings.Join(severities, ", "), waivable, r.Summary)
	}
	b.WriteString("\n## What each prevents\n")
	for _, r := range inject.Rules() {
		fmt.Fprintf(&b, "\n**%s %s.** %s\n", r.ID, r.Name, r.Prevents)
	}
	return b.String()
}
