{{/* The three ConfigMaps. Call with a dict of root, component, suffix of their names, and annotations. */}}
{{- define "reconcile.source" -}}
{{- $root := .root -}}
{{- $parts := dict "settings" (dict "reconcile.yaml" (toYaml .root.Values.settings | printf "%s\n")) -}}
{{- if not .root.Values.source.existingSchemaConfigMap -}}{{- $_ := set $parts "schema" .root.Values.source.schema -}}{{- end -}}
{{- if not .root.Values.source.existingPlansConfigMap -}}{{- $_ := set $parts "plans" .root.Values.source.plans -}}{{- end -}}
{{- range $part, $files := $parts }}
{{- $size := 0 -}}
{{- range $files -}}{{- $size = add $size (len .) -}}{{- end -}}
{{- if gt (int $size) 1048576 -}}
{{- fail (printf "source.%s holds %d bytes, and a ConfigMap at most 1048576: split it over existingSchemaConfigMap and existingPlansConfigMap, or mount it from git or an image (k8s/README.md, Large schemas)" $part (int $size)) -}}
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "reconcile.configMap" (dict "root" $root "part" $part "suffix" $.suffix) }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "reconcile.labels" (dict "root" $root "component" $.component) | nindent 4 }}
  {{- with $.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
data:
  {{- if $files }}
  {{- toYaml $files | nindent 2 }}
  {{- else }} {}
  {{- end }}
{{- end }}
{{- end -}}
