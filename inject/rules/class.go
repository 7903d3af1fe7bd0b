package rules

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/provider"
)

// Class is a SecretProviderClass by itself, as rules look at it.
type Class struct {
	*facts.Class
	Policy *policy.Policy
	Facts  facts.Facts
}

// Check runs the rules, which are about the Azure provider's classes. What is in another's
// is that provider's to judge.
func (c *Class) Check() []finding.Finding {
	findings := c.reservedName()
	if !c.Azure() {
		return findings
	}
	var report Report
	for i := range all {
		if r := &all[i]; r.Class != nil {
			report.rule = &r.Rule
			r.Class(c, &report)
		}
	}
	return append(findings, report.findings...)
}

// parameters is the place of the class's parameters.
func parameters() *finding.Place { return finding.At("spec", "parameters") }

// objectPlace is the place of a field of the i-th object.
func (c *Class) objectPlace(i int, name string) *finding.Place {
	return parameters().Child(provider.ParamObjects).Index(c.At[i]).Child(name)
}

func (c *Class) parameter(key string) string { return strings.TrimSpace(c.Spec.Parameters[key]) }

// reservedName finds a class under our prefix whose content is not what its name says. It
// does no harm, since no volume gets it; its author waits for it to no effect.
func (c *Class) reservedName() []finding.Finding {
	generated := provider.Class{Name: c.Name, Parameters: maps.Clone(c.Spec.Parameters)}
	if !c.Generated() || c.Azure() && generated.Verified() {
		return nil
	}
	return []finding.Finding{{
		Severity: finding.Warning, Type: field.ErrorTypeForbidden, Place: finding.At("metadata", "name"),
		Message: fmt.Sprintf("Names that begin with %s are those of generated classes, and no volume may name this one.", provider.GeneratedPrefix),
		Fix:     "Give the class another name.",
	}}
}

// ClassChange is the update or the deletion of a class.
type ClassChange struct {
	Before *facts.Class
	// Now is nil at a deletion.
	Now *facts.Class
	// MountedBy names the pods that mount the class, and have not finished.
	MountedBy []string
}

// Check runs the rules.
func (c *ClassChange) Check() []finding.Finding {
	var report Report
	for i := range all {
		if r := &all[i]; r.ClassChange != nil {
			report.rule = &r.Rule
			r.ClassChange(c, &report)
		}
	}
	return report.findings
}
