{{- /* Written by go generate from the rules in inject/rules: they and the policy cannot differ. */}}

{{- define "akv-injector.rules.variables" -}}
# Those of the secrets store.
- name: volumes
  expression: >-
    object.?spec.?volumes.orValue([]).filter(v, v.?csi.?driver.orValue('') == 'secrets-store.csi.k8s.io')
- name: names
  expression: >-
    variables.volumes.map(v, v.?name.orValue(''))
- name: classes
  expression: >-
    variables.volumes.map(v, v.csi.?volumeAttributes[?'secretProviderClass'].orValue('')).filter(c, c != '')
- name: containers
  expression: >-
    object.?spec.?initContainers.orValue([]) + object.?spec.?containers.orValue([])
- name: onlyWarns
  expression: >-
    namespaceObject.?metadata.?annotations[?'azure.keyvault.injector/rotation-policy'].orValue('').trim() == 'warn'
{{- end }}

{{- define "akv-injector.rules.validations" -}}
- expression: >-
    variables.onlyWarns ||
    object.?spec.?restartPolicy.orValue('Always') != 'Always' || (object.?spec.?containers.orValue([]) + object.?spec.?initContainers.orValue([]).filter(c, c.?restartPolicy.orValue('') == 'Always')).all(c, c.?volumeMounts.orValue([]).all(m, m.?subPath.orValue('') == '' && m.?subPathExpr.orValue('') == '' || !(m.?name.orValue('') in variables.names)))
  message: >-
    AKV001 subpath: A mount with subPath or subPathExpr of a secrets-store volume, or of a Secret that is synced by a class which the same pod mounts: a warning in init containers, in pods that run to completion, and in workloads that a reloader or akv-injector restarts. Fix: Remove subPath, mount the folder and read the file in it.
- expression: >-
    variables.volumes.all(v, v.csi.?readOnly.orValue(false))
  message: >-
    AKV002 volume-not-readonly: A secrets-store volume whose csi.readOnly is not true. Fix: Set readOnly: true in the volume's csi.
- expression: >-
    variables.onlyWarns ||
    variables.volumes.map(v, v.csi.?volumeAttributes[?'rotationPollInterval']).filter(i, i.hasValue()).map(i, i.value()).all(i, i.matches('^[+]?(([0-9]{1,9}([.][0-9]{0,9})?|[.][0-9]{1,9})(ns|us|ms|s|m|h)){1,8}$') && duration(i) >= duration('10s'))
  message: >-
    AKV005 poll-interval: A rotationPollInterval that is not a duration, not positive, or under 10s. Fix: Write a Go duration of at least 10s, such as 2m.
- expression: >-
    size(variables.classes) > 100 || variables.classes.all(c, variables.classes.exists_one(other, other == c))
  message: >-
    AKV010 class-twice: One SecretProviderClass in two volumes of a pod. Fix: Remove one volume and mount the other wherever it is needed.
{{- end }}
