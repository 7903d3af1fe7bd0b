{{- /* Written by go generate from package inject/policy: the rule and the policy cannot differ. */}}

{{/*
The variables that say which vaults an object reads, and which the namespace allows.
*/}}
{{- define "akv-injector.fence.variables" -}}
- name: annotations
  expression: >-
    namespaceObject.?metadata.?annotations.orValue({})
- name: clusterDefault
  expression: >-
    {{ .Values.server.allowedVaults | toJson }}.replace('{namespace}', namespaceObject.?metadata.?name.orValue(''))
- name: fenced
  expression: >-
    'azure.keyvault.injector/allowed-vaults' in variables.annotations || variables.clusterDefault != ''
- name: fence
  expression: >-
    variables.annotations[?'azure.keyvault.injector/allowed-vaults'].orValue(variables.clusterDefault)
# Elements are separated by commas and newlines; a comment ends with its line.
- name: lines
  expression: >-
    size(variables.fence) > 16384 ? [] :
    variables.fence.split('\n').map(line, line.split('#')[0].split(',').map(p, p.trim()).filter(p, p != ''))
# A glob that is none allows nothing.
- name: patterns
  expression: >-
    variables.lines.map(line, size(line)).sum() > 100 ? [] :
    variables.lines.map(line, line.filter(p, (p.matches('^[a-zA-Z0-9*?-]{1,64}$') && !p.matches('^([^*]*[*]){6}'))).map(p,
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
    ? (object.?spec.?provider.orValue('').trim().lowerAscii() == 'azure' ? [object.?spec.?parameters[?'keyvaultName'].orValue('')] : [])
    : variables.volumes.filter(v, v.?csi.?driver.orValue('').lowerAscii() == 'secrets-store.csi.k8s.io')
    .map(v, v.?csi.?volumeAttributes[?'keyvaultName'].orValue(''))
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
    variables.vaults.all(v, size(v) <= 64 && variables.patterns.exists(line, line.exists(p, v.lowerAscii().matches(p))))
  message: >-
    AKV018 vault-not-allowed: A vault of the object is not one of those that the namespace may use. Fix: Use an allowed vault, or ask the owners of the namespace to extend its annotation azure.keyvault.injector/allowed-vaults.
{{- end }}

{{/* The globs in a namespace's annotation, which is refused if one of them is none. */}}
{{- define "akv-injector.fence.globs" -}}
- name: fence
  expression: >-
    object.?metadata.?annotations[?'azure.keyvault.injector/allowed-vaults'].orValue('')
- name: lines
  expression: >-
    size(variables.fence) > 16384 ? [] :
    variables.fence.split('\n').map(line, line.split('#')[0].split(',').map(p, p.trim()).filter(p, p != ''))
{{- end }}

{{- define "akv-injector.fence.good-globs" -}}
!('azure.keyvault.injector/allowed-vaults' in object.?metadata.?annotations.orValue({})) ||
size(variables.fence) <= 16384 && variables.lines.map(line, size(line)).sum() <= 100 &&
variables.lines.all(line, line.all(p, (p.matches('^[a-zA-Z0-9*?-]{1,64}$') && !p.matches('^([^*]*[*]){6}'))))
{{- end }}
