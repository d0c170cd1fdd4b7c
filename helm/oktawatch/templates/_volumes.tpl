{{/*
Mounts of the main container and of the test pod. Without subPath: a changed ConfigMap comes to the pod by a
swapped link, which rules.reload sees.
*/}}
{{- define "oktawatch.volumeMounts" -}}
- name: config
  mountPath: /etc/oktawatch/config
  readOnly: true
{{- if .Values.detections.files }}
- name: detections
  mountPath: /etc/oktawatch/detections/values
  readOnly: true
{{- end }}
{{- if .Values.detections.lists }}
- name: lists
  mountPath: /etc/oktawatch/detections/lists
  readOnly: true
{{- end }}
{{- range .Values.detections.configMaps }}
- name: detections-{{ . }}
  mountPath: /etc/oktawatch/detections/{{ . }}
  readOnly: true
{{- end }}
{{- if .Values.kafka.security.existingSecret }}
- name: kafka
  mountPath: /etc/oktawatch/kafka
  readOnly: true
{{- end }}
{{- if .Values.geoip.volume }}
- name: geoip
  mountPath: /usr/share/GeoIP
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "oktawatch.volumes" -}}
- name: config
  configMap:
    name: {{ include "oktawatch.configMapName" . }}
{{- if .Values.detections.files }}
- name: detections
  configMap:
    name: {{ include "oktawatch.fullname" . }}-detections
{{- end }}
{{- if .Values.detections.lists }}
- name: lists
  configMap:
    name: {{ include "oktawatch.fullname" . }}-lists
{{- end }}
{{- range .Values.detections.configMaps }}
- name: detections-{{ . }}
  configMap:
    name: {{ . }}
{{- end }}
{{- with .Values.kafka.security.existingSecret }}
- name: kafka
  secret:
    secretName: {{ . }}
    # Read by the group of the pod, by nobody else.
    defaultMode: 0440
{{- end }}
{{- with .Values.geoip.volume }}
- name: geoip
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
