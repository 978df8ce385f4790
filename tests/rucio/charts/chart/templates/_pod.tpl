{{/* The entries of secretMounts that a workload gets: a daemon's own list stands in for the global one. */}}
{{- define "fixture.mounts" -}}
{{- $own := .component.secretMounts | default list -}}
{{- $first := empty $own | ternary .root.Values.secretMounts $own | default list -}}
{{- concat $first (.component.extraSecretMounts | default list) | toJson -}}
{{- end -}}

{{- define "fixture.volume" -}}
{{- coalesce .volumeName .secretName .secretFullName -}}
{{- end -}}

{{/* A Deployment and its own configuration; takes root, component, name (of the container), workload and labels. */}}
{{- define "fixture.deployment" -}}
{{- $root := .root }}
{{- $mounts := include "fixture.mounts" . | fromJsonArray }}
{{- $daemon := eq $root.Values.chart "daemons" }}
{{- if $daemon }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .workload }}.config.component
data:
  component.json: {{ .component.config | default dict | mustToPrettyJson | b64enc }}
---
{{- end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .workload }}
  labels: {{- toYaml .labels | nindent 4 }}
spec:
  selector:
    matchLabels: {{- toYaml .labels | nindent 6 }}
  template:
    metadata:
      labels: {{- toYaml .labels | nindent 8 }}
    spec:
      terminationGracePeriodSeconds: 1
      volumes:
        - name: config-common
          secret: {secretName: {{ .fullname }}.config.common}
        {{- if $daemon }}
        - name: config-component
          secret: {secretName: {{ .workload }}.config.component}
        {{- end }}
        {{- range $mounts }}
        - name: {{ include "fixture.volume" . }}
          secret:
            secretName: {{ .secretFullName | default (printf "%s-%s" $root.Release.Name .secretName) }}
            {{- if and .defaultMode (ne $root.Values.chart "ui") }}
            defaultMode: {{ .defaultMode }}
            {{- end }}
        {{- end }}
      containers:
        - name: {{ .name }}
          image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag }}"
          command: {{- toYaml $root.Values.command | nindent 12 }}
          volumeMounts:
            - {name: config-common, mountPath: /opt/rucio/etc/conf.d/10_common.json, subPath: common.json}
            {{- if $daemon }}
            - {name: config-component, mountPath: /opt/rucio/etc/conf.d/20_component.json, subPath: component.json}
            {{- end }}
            {{- range $mount := $mounts }}
            {{- $plural := eq $root.Values.chart "server" | ternary $mount.subPaths nil }}
            {{- range $plural }}
            - name: {{ include "fixture.volume" $mount }}
              mountPath: {{ $mount.mountPath }}{{ . }}
              subPath: {{ . }}
            {{- else }}
            - name: {{ include "fixture.volume" $mount }}
              mountPath: {{ $mount.mountPath }}
              {{- with $mount.subPath }}
              subPath: {{ . }}
              {{- end }}
            {{- end }}
            {{- end }}
          env:
            {{- range $key, $value := $root.Values.optional_config }}
            - name: {{ $key | upper }}
              value: "{{ $value }}"
            {{- end }}
            - name: RUCIO_OVERRIDE_CONFIGS
              value: /opt/rucio/etc/conf.d/
            {{- if $root.Values.policyPackages.enabled }}
            - name: PYTHONPATH
              value: {{ $root.Values.policyPackages.mountPath }}
            {{- end }}
            {{- with $root.Values.additionalEnvs }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
            {{- with .component.additionalEnvs }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
{{- end -}}
