{{/*
What the three webhooks have in common. Called with a dict: root, path.
*/}}
{{- define "akv-injector.webhook" -}}
# CREATE only, in both kinds of configuration: an UPDATE that is refused would
# keep finalizers from being removed, and a pod's volumes cannot change anyway.
rules:
  - operations: [CREATE]
    apiGroups: [""]
    apiVersions: [v1]
    resources: [pods]
    scope: Namespaced
# The mutating webhook creates the SecretProviderClass, but not in a dry run.
sideEffects: NoneOnDryRun
matchPolicy: Equivalent
admissionReviewVersions: [v1]
timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
clientConfig:
  {{- if eq .root.Values.certificates.mode "secret" }}
  caBundle: {{ .root.Values.certificates.caBundle | b64enc }}
  {{- end }}
  service:
    name: {{ include "akv-injector.name" .root }}
    namespace: {{ .root.Release.Namespace }}
    path: {{ .path }}
    port: 443
namespaceSelector:
  matchExpressions:
    # Opt-in: a namespace without the label never costs a call.
    - key: azure.keyvault.injector/injection
      operator: In
      values: [enabled]
    # Never the API server's own neighbourhood, nor ours: our pods must start while
    # nobody answers.
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ list "kube-system" .root.Release.Namespace | uniq | toJson }}
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

{{/*
Match conditions. Each is total: `.?` and orValue give a value where a field is
missing, since a condition that fails to evaluate under failurePolicy Fail refuses
the request without a call.
*/}}
{{- define "akv-injector.conditions.common" -}}
# The kubelet mirrors its static pods: refusing one would change nothing on the node.
- name: not-a-mirror-pod
  expression: >-
    !('kubernetes.io/config.mirror' in object.?metadata.?annotations.orValue({}))
# We never wait for ourselves.
- name: not-our-own-write
  expression: >-
    request.?userInfo.?username.orValue('') !=
    'system:serviceaccount:{{ .Release.Namespace }}:{{ include "akv-injector.name" . }}'
{{- end }}

{{- define "akv-injector.asks" -}}
object.?metadata.?annotations.orValue({}).exists(key, key.startsWith('azure.keyvault.injector/')) ||
object.?metadata.?labels.orValue({}).exists(key, key.startsWith('azure.keyvault.injector/'))
{{- end }}

{{/* The pod asks: any annotation or label of ours, misspelt ones too. */}}
{{- define "akv-injector.conditions.asking" -}}
- name: asks
  expression: >-
    {{- include "akv-injector.asks" . | nindent 4 }}
{{ include "akv-injector.conditions.common" . }}
{{- end }}

{{/* The pod mounts secrets of the CSI driver without asking us. */}}
{{- define "akv-injector.conditions.handwritten" -}}
- name: does-not-ask
  expression: >-
    !(
    {{- include "akv-injector.asks" . | nindent 4 }}
    )
- name: mounts-secrets-store
  expression: >-
    object.?spec.?volumes.orValue([]).exists(volume,
    volume.?csi.?driver.orValue('') == 'secrets-store.csi.k8s.io')
{{ include "akv-injector.conditions.common" . }}
{{- end }}

{{/* cert-manager fills in every caBundle of a configuration that names a Certificate. */}}
{{- define "akv-injector.webhookConfigurationMetadata" -}}
# Called in the order of the names: this one comes before
# azure-wi-webhook-mutating-webhook-configuration, which reads what we set.
name: {{ include "akv-injector.name" . }}
labels:
  {{- include "akv-injector.labels" . | nindent 2 }}
{{- if eq .Values.certificates.mode "cert-manager" }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "akv-injector.name" . }}
{{- end }}
{{- end }}
