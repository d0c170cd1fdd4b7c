{{- define "oktawatch.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "oktawatch.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "oktawatch.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "oktawatch.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "oktawatch.selectorLabels" -}}
app.kubernetes.io/name: {{ include "oktawatch.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "oktawatch.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "oktawatch.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "oktawatch.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "oktawatch.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "oktawatch.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "oktawatch.configMapName" -}}
{{- default (printf "%s-config" (include "oktawatch.fullname" .)) .Values.existingConfigMap }}
{{- end }}

{{/*
The value of a TOML key. JSON's strings, numbers, booleans and arrays of them are TOML's as well (and,
unlike toToml, whole numbers stay whole); only objects are written in another way.
*/}}
{{- define "oktawatch.tomlValue" -}}
{{- if kindIs "map" . -}}
{ {{- $first := true }}{{- range $key, $value := . }}{{- if not (kindIs "invalid" $value) }}{{ if not $first }},{{ end }} {{ $key | toJson }} = {{ include "oktawatch.tomlValue" $value }}{{- $first = false }}{{- end }}{{- end }} }
{{- else if kindIs "slice" . -}}
[{{- range $index, $value := . }}{{ if $index }}, {{ end }}{{ include "oktawatch.tomlValue" $value }}{{- end }}]
{{- else -}}
{{ toJson . }}
{{- end -}}
{{- end }}

{{/*
The configuration: `config` with what the chart mounts.
*/}}
{{- define "oktawatch.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $security := .Values.kafka.security }}
{{- $properties := dict }}
{{- if ne $security.protocol "PLAINTEXT" }}
{{- $_ := set $properties "security.protocol" $security.protocol }}
{{- end }}
{{- if hasPrefix "SASL_" $security.protocol }}
{{- if not $security.existingSecret }}
{{- fail "kafka.security.existingSecret is needed: the protocol is a SASL one" }}
{{- end }}
{{- $_ := set $properties "sasl.mechanism" $security.mechanism }}
{{- $_ := set $properties "sasl.username_file" (printf "/etc/oktawatch/kafka/%s" $security.usernameKey) }}
{{- $_ := set $properties "sasl.password_file" (printf "/etc/oktawatch/kafka/%s" $security.passwordKey) }}
{{- end }}
{{- if $security.existingSecret }}
{{- with $security.caKey }}
{{- $_ := set $properties "ssl.ca.location" (printf "/etc/oktawatch/kafka/%s" .) }}
{{- end }}
{{- with $security.certificateKey }}
{{- $_ := set $properties "ssl.certificate.location" (printf "/etc/oktawatch/kafka/%s" .) }}
{{- end }}
{{- with $security.privateKeyKey }}
{{- $_ := set $properties "ssl.key.location" (printf "/etc/oktawatch/kafka/%s" .) }}
{{- end }}
{{- end }}
{{- if $properties }}
{{- $config = mergeOverwrite (dict "kafka" (dict "properties" $properties)) $config }}
{{- end }}
{{- $paths := list }}
{{- if .Values.detections.shipped }}
{{- $paths = append $paths "/usr/share/oktawatch/detections" }}
{{- end }}
{{- if .Values.detections.files }}
{{- $paths = append $paths "/etc/oktawatch/detections/values" }}
{{- end }}
{{- range .Values.detections.configMaps }}
{{- $paths = append $paths (printf "/etc/oktawatch/detections/%s" .) }}
{{- end }}
{{- if .Values.detections.lists }}
{{- $paths = append $paths "/etc/oktawatch/detections/lists" }}
{{- end }}
{{- $config = mergeOverwrite (dict "rules" (dict "paths" $paths)) $config }}
{{- range $key := list "city" "asn" "anonymous" }}
{{- with index $.Values.geoip $key }}
{{- $config = mergeOverwrite (dict "geoip" (dict $key (printf "/usr/share/GeoIP/%s" .))) $config }}
{{- end }}
{{- end }}
{{- range $section, $keys := $config }}
{{- if $keys }}
[{{ $section }}]
{{- range $key, $value := $keys }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }} = {{ include "oktawatch.tomlValue" $value }}
{{- end }}
{{- end }}
{{ end }}
{{- end }}
{{- end }}
