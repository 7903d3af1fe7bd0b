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

// Class is a SecretProviderClass without a pod, as rules check it.
type Class struct {
	*facts.Class
	Policy *policy.Policy
	Facts  facts.Facts
}

// Check runs the rules on a class of the Azure provider. Of another provider's class it checks
// only the name.
func (c *Class) Check() []finding.Finding {
	findings := c.reservedName()
	if !c.Azure() {
		return findings
	}
	var report Report
	for i := range all {
		if r := &all[i]; r.Class != nil {
			report.start(&r.Rule)
			r.Class(c, &report)
		}
	}
	return append(findings, report.findings...)
}

// parameters returns the place of a class's parameters.
func parameters() *finding.Place { return finding.At("spec", "parameters") }

// objectPlace returns the place of a field of the i-th object.
func (c *Class) objectPlace(i int, name string) *finding.Place {
	return parameters().Child(provider.ParamObjects).Index(c.At[i]).Child(name)
}

func (c *Class) parameter(key string) string { return strings.TrimSpace(c.Spec.Parameters[key]) }

// reservedName reports a class whose name has our prefix and does not match its content. Such
// a class does no harm, because no volume gets it, but it is of no use to its author either.
func (c *Class) reservedName() []finding.Finding {
	generated := provider.Class{Name: c.Name, Parameters: maps.Clone(c.Spec.Parameters)}
	if !c.Generated() || c.Azure() && generated.Verified() {
		return nil
	}
	return []finding.Finding{{
		Severity: finding.Warning, Type: field.ErrorTypeForbidden, Place: finding.At("metadata", "name"),
		Message: fmt.Sprintf("Names that begin with %s are reserved for generated classes, and no volume may name this class.", provider.GeneratedPrefix),
		Fix:     "Give the class another name.",
	}}
}

// ClassChange is the update or the deletion of a class.
type ClassChange struct {
	Before *facts.Class
	// Now is nil if the class is deleted.
	Now *facts.Class
	// MountedBy names the unfinished pods that mount the class.
	MountedBy []string
}

// Check runs the rules on the change.
func (c *ClassChange) Check() []finding.Finding {
	var report Report
	for i := range all {
		if r := &all[i]; r.ClassChange != nil {
			report.start(&r.Rule)
			r.ClassChange(c, &report)
		}
	}
	return report.findings
}
