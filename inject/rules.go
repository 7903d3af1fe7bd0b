package inject

import (
	"slices"

	"akv-injector/inject/rules"
)

//go:generate go run ../internal/docgen ..

// Rule is one rule: its id, its texts, and what it checks.
type Rule = rules.Rule

// On is a kind of object that rules check.
type On = rules.On

// Kinds of objects that rules check.
const (
	OnPods      = rules.OnPods
	OnTemplates = rules.OnTemplates
	OnClasses   = rules.OnClasses
	OnFiles     = rules.OnFiles
)

// Rules returns all rules, ordered by id.
func Rules() []Rule { return rules.All() }

// RuleByID returns the rule with an id, or nil.
func RuleByID(id string) *Rule {
	all := rules.All()
	if i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id }); i >= 0 {
		return &all[i]
	}
	return nil
}

// RuleNoDriver returns the rule that programs report while they wait for the driver.
func RuleNoDriver() Rule { return rules.NoDriver() }

// RuleVaultNotAllowed returns the rule that an event names if a class is not restored.
func RuleVaultNotAllowed() Rule { return rules.VaultNotAllowed() }

// RuleUnknownField returns the rule that the linter reports for fields that do not exist.
func RuleUnknownField() Rule { return rules.UnknownField() }

// RuleNamesakes returns the rule that the linter reports for objects of one name.
func RuleNamesakes() Rule { return rules.Namesakes() }

// NotOptedInMessage is the message of the rule about namespaces that have not opted in. The
// chart's admission policy has the same message.
const NotOptedInMessage = rules.NotOptedInMessage
