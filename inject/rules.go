package inject

import (
	"slices"

	"akv-injector/inject/rules"
)

//go:generate go run ../internal/docgen ..

// Rule is one rule: its id, its words, and what it looks at.
type Rule = rules.Rule

// On is a kind of object that rules look at.
type On = rules.On

// Kinds of objects that rules look at.
const (
	OnPods      = rules.OnPods
	OnTemplates = rules.OnTemplates
	OnClasses   = rules.OnClasses
)

// Rules are all rules, by id.
func Rules() []Rule { return rules.All() }

// RuleByID finds a rule, or returns nil.
func RuleByID(id string) *Rule {
	all := rules.All()
	if i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id }); i >= 0 {
		return &all[i]
	}
	return nil
}

// RuleNoDriver is the rule that programs name while they wait for the driver.
func RuleNoDriver() Rule { return rules.NoDriver() }

// RuleVaultNotAllowed is the rule that an event names when a class is not restored.
func RuleVaultNotAllowed() Rule { return rules.VaultNotAllowed() }

// NotOptedInMessage are the words of the rule about namespaces that have
// not opted in, which the chart's admission policy uses too.
const NotOptedInMessage = rules.NotOptedInMessage
