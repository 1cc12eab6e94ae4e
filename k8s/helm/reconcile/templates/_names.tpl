{{- define "reconcile.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "reconcile.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "reconcile.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "reconcile.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a selector may rely on. Call with a dict of root and component. */}}
{{- define "reconcile.selector" -}}
app.kubernetes.io/name: {{ include "reconcile.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "reconcile.labels" -}}
{{ include "reconcile.selector" . }}
app.kubernetes.io/part-of: reconcile
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "reconcile.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The name of a mounted ConfigMap. The hook has copies of its own, which are there before the release is. */}}
{{- define "reconcile.configMap" -}}
{{- $given := dict "schema" .root.Values.source.existingSchemaConfigMap "plans" .root.Values.source.existingPlansConfigMap -}}
{{- default (printf "%s-%s%s" (include "reconcile.fullname" .root) .part .suffix) (get $given .part) -}}
{{- end -}}
