package main

import (
	"fmt"
	"strings"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/inject/rules"
)

// writePolicies writes the expressions of the rules that need no lookup, for the API server to
// check without a call.
func writePolicies(root string) error {
	return writeTemplate(root, "_rules.tpl", policiesTemplate())
}

func policiesTemplate() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{{- /* Written by go generate from the rules in inject/rules: they and the policy cannot differ. */}}

{{- define "akv-injector.rules.variables" -}}
# Those of the secrets store.
- name: volumes
  expression: >-
    object.?spec.?volumes.orValue([]).filter(v, v.?csi.?driver.orValue('') == '%s')
- name: names
  expression: >-
    variables.volumes.map(v, v.?name.orValue(''))
- name: classes
  expression: >-
    variables.volumes.map(v, v.csi.?volumeAttributes[?'%s'].orValue('')).filter(c, c != '')
- name: containers
  expression: >-
    object.?spec.?initContainers.orValue([]) + object.?spec.?containers.orValue([])
- name: onlyWarns
  expression: >-
    namespaceObject.?metadata.?annotations[?'%s'].orValue('').trim() == 'warn'
{{- end }}

{{- define "akv-injector.rules.validations" -}}
`, provider.DriverName, provider.AttributeClass, annotation.RotationPolicy)
	for _, r := range rules.All() {
		if r.Policy == "" {
			continue
		}
		waived := ""
		if r.Waivable {
			waived = "variables.onlyWarns ||\n    "
		}
		fmt.Fprintf(&b, "- expression: >-\n    %s%s\n  message: >-\n    %s %s: %s Fix: %s\n", waived, r.Policy, r.ID, r.Name, r.Summary, r.Remedy)
	}
	b.WriteString("{{- end }}\n")
	return b.String()
}
