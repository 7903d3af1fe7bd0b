package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"akv-injector/inject/annotation"
	"akv-injector/inject/policy"
	"akv-injector/inject/provider"
	"akv-injector/inject/rules"
)

// writeFence writes the expressions of the admission policy that is the rule AKV018 without a
// call, for the API server to hold while no replica answers.
func writeFence(root string) error {
	return writeTemplate(root, "_fence.tpl", fenceTemplate())
}

// writeTemplate writes a template of the chart.
func writeTemplate(root, name, text string) error {
	return os.WriteFile(filepath.Join(root, "deploy", "chart", "akv-injector", "templates", name), []byte(text), 0o644)
}

func fenceTemplate() string {
	glob := fmt.Sprintf("^[a-zA-Z0-9*?-]{1,%d}$", policy.MaxName)
	stars := fmt.Sprintf("^([^*]*[*]){%d}", policy.MaxStars+1)
	good := "(p.matches('" + glob + "') && !p.matches('" + stars + "'))"
	lines := fmt.Sprintf("size(variables.fence) > %d ? [] :\n    ", policy.MaxText) +
		"variables.fence.split('\\n').map(line, line.split('#')[0].split(',').map(p, p.trim()).filter(p, p != ''))"
	rule := rules.VaultNotAllowed()
	return strings.NewReplacer(
		"KEY", annotation.AllowedVaults,
		"DRIVER", provider.DriverName,
		"PROVIDER", provider.ProviderAzure,
		"PARAM", provider.ParamVault,
		"VARIABLE", policy.NamespaceVariable,
		"MAXTEXT", fmt.Sprint(policy.MaxText),
		"MAXGLOBS", fmt.Sprint(policy.MaxGlobs),
		"MAXNAME", fmt.Sprint(policy.MaxName),
		"GOOD", good,
		"LINES", lines,
		"MESSAGE", rule.ID+" "+rule.Name+": "+rules.FenceMessage+" Fix: "+rules.FenceFix,
	).Replace(`{{- /* Written by go generate from package inject/policy: the rule and the policy cannot differ. */}}

{{/*
The variables that say which vaults an object reads, and which the namespace allows.
*/}}
{{- define "akv-injector.fence.variables" -}}
- name: annotations
  expression: >-
    namespaceObject.?metadata.?annotations.orValue({})
- name: clusterDefault
  expression: >-
    {{ .Values.server.allowedVaults | toJson }}.replace('VARIABLE', namespaceObject.?metadata.?name.orValue(''))
- name: fenced
  expression: >-
    'KEY' in variables.annotations || variables.clusterDefault != ''
- name: fence
  expression: >-
    variables.annotations[?'KEY'].orValue(variables.clusterDefault)
# Elements are separated by commas and newlines; a comment ends with its line.
- name: lines
  expression: >-
    LINES
# A glob that is none allows nothing.
- name: patterns
  expression: >-
    variables.lines.map(line, size(line)).sum() > MAXGLOBS ? [] :
    variables.lines.map(line, line.filter(p, GOOD).map(p,
    '^' + p.lowerAscii().replace('*', '[^/]*').replace('?', '[^/]') + '$'))
- name: isClass
  expression: >-
    request.?kind.?kind.orValue('') == 'SecretProviderClass'
- name: volumes
  expression: >-
    variables.isClass ? [] : object.?spec.?volumes.orValue([])
# The vault of a class for the Azure provider, or those that volumes name instead of their
# classes'.
- name: vaults
  expression: >-
    (variables.isClass
    ? (object.?spec.?provider.orValue('').trim().lowerAscii() == 'PROVIDER' ? [object.?spec.?parameters[?'PARAM'].orValue('')] : [])
    : variables.volumes.filter(v, v.?csi.?driver.orValue('').lowerAscii() == 'DRIVER')
    .map(v, v.?csi.?volumeAttributes[?'PARAM'].orValue(''))
    ).map(v, v.trim()).filter(v, v != '')
# An update that leaves what is mounted as it was brings no other vault.
- name: unchanged
  expression: >-
    variables.isClass && request.?operation.orValue('') == 'UPDATE' &&
    object.?spec.?parameters == oldObject.?spec.?parameters &&
    object.?spec.?provider.orValue('').trim().lowerAscii() == oldObject.?spec.?provider.orValue('').trim().lowerAscii()
{{- end }}

{{- define "akv-injector.fence.validations" -}}
- expression: >-
    !variables.fenced || variables.unchanged ||
    variables.vaults.all(v, size(v) <= MAXNAME && variables.patterns.exists(line, line.exists(p, v.lowerAscii().matches(p))))
  message: >-
    MESSAGE
{{- end }}

{{/* The globs in a namespace's annotation, which is refused if one of them is none. */}}
{{- define "akv-injector.fence.globs" -}}
- name: fence
  expression: >-
    object.?metadata.?annotations[?'KEY'].orValue('')
- name: lines
  expression: >-
    LINES
{{- end }}

{{- define "akv-injector.fence.good-globs" -}}
!('KEY' in object.?metadata.?annotations.orValue({})) ||
size(variables.fence) <= MAXTEXT && variables.lines.map(line, size(line)).sum() <= MAXGLOBS &&
variables.lines.all(line, line.all(p, GOOD))
{{- end }}
`)
}
