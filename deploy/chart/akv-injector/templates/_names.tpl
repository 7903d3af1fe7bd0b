{{/*
Every object has one fixed name, whatever the release is called:
- the API server calls webhook configurations in the order of their names, and
  ours must come before azure-wi-webhook-mutating-webhook-configuration, which
  reads the label and the service account that we set;
- a federated credential names the ServiceAccount;
- two injectors in one cluster would answer for the same pods. With fixed names
  the second `helm install` is refused.
*/}}
{{- define "akv-injector.name" -}}akv-injector{{- end }}

{{/* What a selector may use: never changes between versions. */}}
{{- define "akv-injector.selectorLabels" -}}
app.kubernetes.io/name: {{ include "akv-injector.name" . }}
{{- end }}

{{- define "akv-injector.labels" -}}
{{- with .Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
{{ include "akv-injector.selectorLabels" . }}
app.kubernetes.io/part-of: {{ include "akv-injector.name" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Of what `helm test` makes. The Service must not take its pod for a replica, so the label of selectors is not among them. */}}
{{- define "akv-injector.testLabels" -}}
{{- with .Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
app.kubernetes.io/part-of: {{ include "akv-injector.name" . }}
app.kubernetes.io/component: test
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "akv-injector.image" -}}
{{- if not .Values.image.repository -}}
{{- fail "image.repository is not set: akv-injector has no published image yet. Build it and push it as docs/install.md says (make release, make push), and install with --set image.repository=REPOSITORY" -}}
{{- end -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}
{{- end }}

{{/* The mode of certificates, with auto made one of the others. `helm template` sees no cluster. */}}
{{- define "akv-injector.certificateMode" -}}
{{- $mode := .Values.certificates.mode -}}
{{- if ne $mode "auto" -}}
{{ $mode }}
{{- else if and (.Capabilities.APIVersions.Has "cert-manager.io/v1") (lookup "cert-manager.io/v1" "Certificate" .Release.Namespace (include "akv-injector.name" .)) -}}
cert-manager
{{- else -}}
self
{{- end }}
{{- end }}

{{- define "akv-injector.certificateSecret" -}}
{{ include "akv-injector.name" . }}-certificates
{{- end }}

{{- define "akv-injector.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default (include "akv-injector.name" .) }}
{{- end }}

{{/* Annotations of an object that has no others. */}}
{{- define "akv-injector.annotations" -}}
{{- with .Values.commonAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
