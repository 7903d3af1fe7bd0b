package webhook

import (
	"fmt"
	"strings"

	"akv-injector/inject"
	"akv-injector/inject/finding"
)

// Keys of the audit annotations. The API server puts the webhook's name before
// them: asking.validate.azure.keyvault.injector/findings.
const (
	auditClasses  = "classes"
	auditFindings = "findings"
)

// maxAudit is the most bytes of an audit annotation, so that a pod with thousands
// of mistakes does not fill the audit log.
const maxAudit = 2048

// auditOfPatch are the mutating webhook's annotations. The API server keeps the
// first value and reports an error where a reinvocation gives another one, so
// these depend on what the pod asks for and not on what is left to be done.
func auditOfPatch(d inject.Decision) map[string]string {
	if !d.Injected || len(d.Classes) == 0 {
		return nil
	}
	return map[string]string{auditClasses: joinBounded(len(d.Classes), ",", func(i int) string {
		return d.Classes[i].Name
	})}
}

// auditOfFindings says which rules found something where. The findings' words are
// left out: they may quote the pod.
func auditOfFindings(findings []finding.Finding) map[string]string {
	if len(findings) == 0 {
		return nil
	}
	return map[string]string{auditFindings: joinBounded(len(findings), "; ", func(i int) string {
		f := findings[i]
		return fmt.Sprintf("%s %s %s", f.Severity, ruleID(f), line(f.Place.String(), maxName))
	})}
}

// ruleID names the rule, or says that the annotations themselves are wrong.
func ruleID(f finding.Finding) string {
	if f.Rule == "" {
		return "annotations"
	}
	return f.Rule
}

// joinBounded joins as many of n parts as fit into maxAudit bytes and counts the others.
func joinBounded(n int, separator string, part func(i int) string) string {
	const reserve = len(" and 1000000 more")
	var b strings.Builder
	for i := range n {
		p := part(i)
		if b.Len()+len(separator)+len(p) > maxAudit-reserve {
			fmt.Fprintf(&b, " and %d more", n-i)
			break
		}
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(p)
	}
	return b.String()
}
