{{- define "bench.selector" -}}
app.kubernetes.io/name: ovms
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "bench.labels" -}}
{{ include "bench.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "bench.config" -}}
{{- $entries := list }}
{{- range .Values.models }}
{{- $path := printf "/models/%s" .name }}
{{- $versions := dict "specific" (dict "versions" .versions) }}
{{- $config := dict "name" .name "base_path" $path "model_version_policy" $versions }}
{{- $entries = append $entries (dict "config" $config) }}
{{- end }}
{{- dict "model_config_list" $entries | toPrettyJson }}
{{ end }}
