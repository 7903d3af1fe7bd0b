{{/*
What the webhooks have in common. Called with a dict: root, path.
*/}}
{{- define "akv-injector.webhook" -}}
matchPolicy: Equivalent
admissionReviewVersions: [v1]
timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
clientConfig:
  {{- if eq (include "akv-injector.certificateMode" .root) "secret" }}
  caBundle: {{ .root.Values.certificates.caBundle | b64enc }}
  {{- end }}
  service:
    name: {{ include "akv-injector.name" .root }}
    namespace: {{ .root.Release.Namespace }}
    path: {{ .path }}
    port: 443
namespaceSelector:
  matchExpressions:
    {{- include "akv-injector.selects.opted-in" .root | nindent 4 }}
    {{- include "akv-injector.selects.not-left-out" .root | nindent 4 }}
    {{- with .root.Values.webhook.namespaceSelector }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- define "akv-injector.selects.opted-in" -}}
# Opt-in: a namespace without the label never costs a call.
- key: azure.keyvault.injector/injection
  operator: In
  values: [enabled]
{{- end }}

{{- define "akv-injector.selects.not-left-out" -}}
# Never the API server's own neighbourhood, nor ours: our pods must start while
# no replica answers.
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ list "kube-system" .Release.Namespace | uniq | toJson }}
# The AKS Admissions Enforcer writes exactly these three into every webhook
# configuration. Shipped as they are, or GitOps tools and it undo each other
# forever.
- key: control-plane
  operator: DoesNotExist
- key: control-plane
  operator: NotIn
  values: ["true"]
- key: kubernetes.azure.com/managedby
  operator: NotIn
  values: [aks]
{{- end }}

{{- define "akv-injector.rules.pods" -}}
# CREATE only, in both kinds of configuration: an UPDATE that is refused would
# keep finalizers from being removed, and a pod's volumes cannot change anyway.
rules:
  - operations: [CREATE]
    apiGroups: [""]
    apiVersions: [v1]
    resources: [pods]
    scope: Namespaced
{{- end }}

{{/* No subresource: scale and status never cost a call. */}}
{{- define "akv-injector.rules.workloads" -}}
rules:
  - operations: [CREATE, UPDATE]
    apiGroups: [apps]
    apiVersions: [v1]
    resources: [deployments, statefulsets, daemonsets, replicasets]
    scope: Namespaced
  - operations: [CREATE, UPDATE]
    apiGroups: [batch]
    apiVersions: [v1]
    resources: [jobs, cronjobs]
    scope: Namespaced
  - operations: [CREATE, UPDATE]
    apiGroups: [""]
    apiVersions: [v1]
    resources: [replicationcontrollers]
    scope: Namespaced
{{- end }}

{{/* The extra workloads, with what a preset says, as a list in JSON. */}}
{{- define "akv-injector.extraWorkloads" -}}
{{- $presets := dict
  "rollouts" (dict "group" "argoproj.io" "version" "v1alpha1" "resource" "rollouts" "template" "spec.template")
  "knative" (dict "group" "serving.knative.dev" "version" "v1" "resource" "services" "template" "spec.template")
-}}
{{- $all := list }}
{{- range .Values.extraWorkloads }}
{{- if .preset }}
{{- $all = append $all (required (printf "extraWorkloads: no preset %s" .preset) (get $presets .preset)) }}
{{- else }}
{{- $all = append $all . }}
{{- end }}
{{- end }}
{{- toJson $all }}
{{- end }}

{{- define "akv-injector.rules.classes" -}}
rules:
  - operations: [CREATE, UPDATE, DELETE]
    apiGroups: [secrets-store.csi.x-k8s.io]
    apiVersions: [v1]
    resources: [secretproviderclasses]
    scope: Namespaced
{{- end }}

{{/*
Match conditions. Each is total: `.?` and orValue give a value where a field is
missing, since a condition that fails to evaluate under failurePolicy Fail refuses
the request without a call.
*/}}
{{- define "akv-injector.conditions.own" -}}
# We never wait for ourselves.
- name: not-our-own-write
  expression: >-
    request.?userInfo.?username.orValue('') !=
    'system:serviceaccount:{{ .Release.Namespace }}:{{ include "akv-injector.serviceAccountName" . }}'
{{- end }}

{{- define "akv-injector.conditions.pods" -}}
# The kubelet mirrors its static pods: refusing one would change nothing on the node.
- name: not-a-mirror-pod
  expression: >-
    !('kubernetes.io/config.mirror' in object.?metadata.?annotations.orValue({}))
{{ include "akv-injector.conditions.own" . }}
{{- end }}

{{/*
Any annotation or label of ours in some metadata, misspelt ones too. The API server's time for
looking at all keys grows with the square of their number (17 s for 40,000), so where there are
more than any object has, they are looked at by us.
*/}}
{{- define "akv-injector.has-ours" -}}
size({{ . }}.?annotations.orValue({})) > 1000 || size({{ . }}.?labels.orValue({})) > 1000 ||
{{ . }}.?annotations.orValue({}).exists(key, key.startsWith('azure.keyvault.injector/')) ||
{{ . }}.?labels.orValue({}).exists(key, key.startsWith('azure.keyvault.injector/'))
{{- end }}

{{/* An annotation that begins almost as ours do (AKV030). */}}
{{- define "akv-injector.has-nearly-ours" -}}
{{ . }}.?annotations.orValue({}).exists(key,
key.lowerAscii().startsWith('azure') && key.lowerAscii().contains('inject'))
{{- end }}

{{- define "akv-injector.mounts-secrets-store" -}}
size({{ . }}.?spec.?volumes.orValue([])) > 1000 ||
{{ . }}.?spec.?volumes.orValue([]).exists(volume,
volume.?csi.?driver.orValue('').lowerAscii() == 'secrets-store.csi.k8s.io')
{{- end }}

{{/* The pod asks. */}}
{{- define "akv-injector.conditions.asking" -}}
- name: asks
  expression: >-
    {{- include "akv-injector.has-ours" "object.?metadata" | nindent 4 }}
{{ include "akv-injector.conditions.pods" . }}
{{- end }}

{{/* The pod mounts secrets of the CSI driver without asking us. */}}
{{- define "akv-injector.conditions.handwritten" -}}
- name: does-not-ask
  expression: >-
    !(
    {{- include "akv-injector.has-ours" "object.?metadata" | nindent 4 }}
    )
- name: mounts-secrets-store
  expression: >-
    {{- include "akv-injector.mounts-secrets-store" "object" | nindent 4 }} ||
    {{- include "akv-injector.has-nearly-ours" "object.?metadata" | nindent 4 }}
{{ include "akv-injector.conditions.pods" . }}
{{- end }}

{{/* The template of pods in a workload; called with object or oldObject. */}}
{{- define "akv-injector.template" -}}
(request.?kind.?kind.orValue('') == 'CronJob' ? {{ . }}.?spec.?jobTemplate.?spec.?template : {{ . }}.?spec.?template)
{{- end }}

{{- define "akv-injector.workload-asks" -}}
{{ include "akv-injector.has-ours" (include "akv-injector.template" "object" | printf "%s.?metadata") }} ||
{{ include "akv-injector.has-ours" "object.?metadata" }} ||
{{ include "akv-injector.has-ours" "object.?spec.?jobTemplate.?metadata" }}
{{- end }}

{{/* Who only carries out what is written already, in an object that was looked at. */}}
{{- define "akv-injector.conditions.workloads" -}}
- name: not-being-deleted
  expression: >-
    !object.?metadata.?deletionTimestamp.hasValue()
{{ include "akv-injector.conditions.not-the-clusters-own" . }}
{{ include "akv-injector.conditions.own" . }}
{{- end }}

{{- define "akv-injector.conditions.not-the-clusters-own" -}}
# What these write follows from an object that was looked at, or is no spec.
- name: not-a-controller-of-the-cluster
  expression: >-
    !(request.?userInfo.?username.orValue('') in ['system:kube-controller-manager',
    'system:serviceaccount:kube-system:deployment-controller',
    'system:serviceaccount:kube-system:replicaset-controller',
    'system:serviceaccount:kube-system:replication-controller',
    'system:serviceaccount:kube-system:statefulset-controller',
    'system:serviceaccount:kube-system:daemon-set-controller',
    'system:serviceaccount:kube-system:job-controller',
    'system:serviceaccount:kube-system:cronjob-controller',
    'system:serviceaccount:kube-system:generic-garbage-collector',
    'system:serviceaccount:kube-system:namespace-controller'])
{{- end }}

{{/* The workload's pods ask, or are meant to. */}}
{{- define "akv-injector.conditions.asking-workloads" -}}
- name: asks
  expression: >-
    {{- include "akv-injector.workload-asks" . | nindent 4 }}
# The generation changes with the spec. (Comparing whole templates may cost more than the
# API server grants a condition, which would refuse the update.) A dry run reports what
# its pods get in any case.
- name: may-change-the-pods
  expression: >-
    request.?operation.orValue('') != 'UPDATE' || request.?dryRun.orValue(false) ||
    object.?metadata.?generation.orValue(0) != oldObject.?metadata.?generation.orValue(0) ||
    {{- include "akv-injector.has-ours" "object.?metadata" | nindent 4 }}
{{ include "akv-injector.conditions.workloads" . }}
{{- end }}

{{/* The pods mount secrets of the CSI driver without asking us. */}}
{{- define "akv-injector.conditions.handwritten-workloads" -}}
- name: does-not-ask
  expression: >-
    !(
    {{- include "akv-injector.workload-asks" . | nindent 4 }}
    )
- name: mounts-secrets-store
  expression: >-
    {{- include "akv-injector.mounts-secrets-store" (include "akv-injector.template" "object") | nindent 4 }} ||
    {{- include "akv-injector.has-nearly-ours" (include "akv-injector.template" "object" | printf "%s.?metadata") | nindent 4 }}
- name: changes-the-pods
  expression: >-
    request.?operation.orValue('') != 'UPDATE' ||
    {{ include "akv-injector.template" "object" }} !=
    {{ include "akv-injector.template" "oldObject" }}
{{ include "akv-injector.conditions.workloads" . }}
{{- end }}

{{/* A deletion has no object, a creation no oldObject. */}}
{{- define "akv-injector.conditions.classes" -}}
- name: not-being-deleted
  expression: >-
    !(request.?operation.orValue('') == 'DELETE' ? oldObject : object).?metadata.?deletionTimestamp.hasValue()
- name: changes-what-is-mounted
  expression: >-
    request.?operation.orValue('') != 'UPDATE' || object.?spec != oldObject.?spec
{{ include "akv-injector.conditions.not-the-clusters-own" . }}
{{ include "akv-injector.conditions.own" . }}
{{- end }}

{{/* cert-manager fills in every caBundle of a configuration that names a Certificate. */}}
{{- define "akv-injector.webhookConfigurationMetadata" -}}
# Called in the order of the names: this one comes before
# azure-wi-webhook-mutating-webhook-configuration, which reads what we set.
name: {{ include "akv-injector.name" . }}
labels:
  {{- include "akv-injector.labels" . | nindent 2 }}
{{- $annotations := merge (dict) .Values.webhook.annotations .Values.commonAnnotations }}
{{- if eq (include "akv-injector.certificateMode" .) "cert-manager" }}
{{- $_ := set $annotations "cert-manager.io/inject-ca-from" (printf "%s/%s" .Release.Namespace (include "akv-injector.name" .)) }}
{{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
