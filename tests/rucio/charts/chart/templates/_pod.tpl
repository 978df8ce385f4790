{{/* The entries of secretMounts that a workload gets: a daemon's own list stands in for the global one. */}}
{{- define "fixture.mounts" -}}
{{- $own := .component.secretMounts | default list -}}
{{- $first := empty $own | ternary .root.Values.secretMounts $own | default list -}}
{{- concat $first (.component.extraSecretMounts | default list) | toJson -}}
{{- end -}}

{{- define "fixture.volume" -}}
{{- coalesce .volumeName .secretName .secretFullName -}}
{{- end -}}

{{/* A Deployment and its own configuration; takes root, component, daemon, name (of the container), workload, labels. */}}
{{- define "fixture.deployment" -}}
{{- $root := .root }}
{{- $values := .root.Values }}
{{- $component := .component }}
{{- $mounts := include "fixture.mounts" . | fromJsonArray }}
{{- $daemon := eq $values.chart "daemons" }}
{{- $common := $values.config | default dict | mustToPrettyJson | b64enc }}
{{- $own := $component.config | default dict | mustToPrettyJson | b64enc }}
{{- $policy := and $values.policyPackages.enabled (has $values.chart $values.features.policyPackages) }}
{{- $reaper := and $daemon (has .daemon (list "reaper" "dark-reaper")) }}
{{- $implicit := and $values.useDeprecatedImplicitSecrets (or $daemon (and (eq $values.chart "server") $values.ftsRenewal.enabled)) }}
{{- $proxy := and $daemon (not $implicit) $values.features.proxyCertificateSecret $values.proxyCertificateSecret.name }}
{{- $hostPaths := $values.hostPathMounts }}
{{- if $daemon }}
{{- $hostPaths = hasKey $component "hostPathMounts" | ternary $component.hostPathMounts $hostPaths }}
{{- $hostPaths = concat ($hostPaths | default list) ($component.extraHostPathMounts | default list) }}
{{- end }}
{{- if $daemon }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .fullname }}.config.{{ .daemon }}
data:
  component.json: {{ $own }}
---
{{- end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .workload }}
  labels: {{- toYaml .labels | nindent 4 }}
  {{- with $values.deploymentAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  replicas: {{ .replicas }}
  selector:
    matchLabels: {app: {{ .labels.app }}, release: {{ $root.Release.Name }}}
  strategy: {{- toYaml $values.strategy | nindent 4 }}
  minReadySeconds: {{ $values.minReadySeconds }}
  template:
    metadata:
      labels:
        {{- toYaml .labels | nindent 8 }}
        {{- if $daemon }}
        rucio-daemon: {{ .daemon }}
        {{- end }}
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/config: {{ print $common ($daemon | ternary $own "") | sha1sum }}
        {{- with $values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- with $component.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- with $values.serviceAccountName }}
      serviceAccountName: {{ . }}
      {{- end }}
      volumes:
        - name: {{ $daemon | ternary "config-common" "config" }}
          secret: {secretName: {{ .configuration }}}
        {{- if $daemon }}
        - name: config-component
          secret: {secretName: {{ .fullname }}.config.{{ .daemon }}}
        {{- else }}
        - name: httpdlog
          emptyDir: {}
        {{- end }}
        {{- if eq $values.chart "ui" }}
        - name: aliases
          configMap: {name: {{ .fullname }}-aliases}
        {{- end }}
        {{- if $implicit }}
        - name: proxy-volume
          secret: {secretName: {{ $root.Release.Name }}-rucio-x509up}
        - name: ca-volume
          secret: {secretName: {{ $root.Release.Name }}-rucio-ca-bundle{{ if $reaper }}-reaper{{ end }}}
        {{- end }}
        {{- if $proxy }}
        - name: proxy-certificate-volume
          secret: {secretName: {{ $proxy }}}
        {{- end }}
        {{- if $policy }}
        - name: policy-package-volume
          {{- if and $values.features.ephemeralVolume $values.policyPackages.ephemeralVolume }}
          emptyDir: {}
          {{- else }}
          persistentVolumeClaim: {claimName: {{ $values.policyPackages.pvc.name }}}
          {{- end }}
        {{- end }}
        {{- range $mounts }}
        - name: {{ include "fixture.volume" . }}
          secret:
            secretName: {{ .secretFullName | default (printf "%s-%s" $root.Release.Name .secretName) }}
            {{- if and .defaultMode (ne $values.chart "ui") }}
            defaultMode: {{ .defaultMode }}
            {{- end }}
        {{- end }}
        {{- range $name, $claim := $values.persistentVolumes }}
        - name: {{ $name }}
          persistentVolumeClaim: {claimName: {{ $claim.name }}}
        {{- end }}
        {{- range $hostPaths }}
        - name: {{ .volumeName | default (printf "a%s" (.mountPath | sha1sum)) }}
          hostPath: {path: {{ .hostPath }}}
        {{- end }}
      {{- if $policy }}
      initContainers:
        - name: install-policy-packages
          image: {{ $values.imageRegistry }}almalinux:9
          command: [/bin/bash, -e, -c, 'pip install {{ range $values.policyPackages.packages }}{{ .requirement }} {{ end }}--target {{ $values.policyPackages.mountPath }}']
          volumeMounts:
            - {name: policy-package-volume, mountPath: {{ $values.policyPackages.mountPath }}}
      {{- end }}
      containers:
        {{- if and (not $daemon) $values.exposeErrorLogs }}
        - name: httpd-error-log
          image: {{ $values.imageRegistry }}busybox
          args: [/bin/sh, -c, 'tail -n+1 -F /var/log/httpd/error_log']
          volumeMounts: [{name: httpdlog, mountPath: /var/log/httpd}]
        {{- end }}
        {{- if and (eq $values.chart "server") $values.monitoring.enabled }}
        - name: apache-exporter
          image: {{ $values.imageRegistry }}rucio/apache_exporter
        {{- end }}
        - name: {{ .name }}
          image: "{{ $values.imageRegistry }}{{ $values.image.repository }}:{{ coalesce ($component.image | default dict).tag $values.image.tag }}"
          {{- with $values.command }}
          command: {{- toYaml . | nindent 12 }}
          {{- end }}
          volumeMounts:
            - name: {{ $daemon | ternary "config-common" "config" }}
              mountPath: /opt/rucio/etc/conf.d/10_common.json
              subPath: common.json
            {{- if $daemon }}
            - {name: config-component, mountPath: /opt/rucio/etc/conf.d/20_component.json, subPath: component.json}
            {{- else }}
            - {name: httpdlog, mountPath: /var/log/httpd}
            {{- end }}
            {{- if eq $values.chart "ui" }}
            - {name: aliases, mountPath: /opt/rucio/etc/aliases.conf, subPath: aliases.conf}
            {{- end }}
            {{- if $implicit }}
            - {name: proxy-volume, mountPath: /opt/proxy}
            - {name: ca-volume, mountPath: {{ $reaper | ternary "/etc/grid-security/certificates" "/opt/certs" }}}
            {{- end }}
            {{- if $proxy }}
            - {name: proxy-certificate-volume, mountPath: {{ $values.proxyCertificateSecret.mountPath }}, subPath: {{ $values.proxyCertificateSecret.subPath }}}
            {{- end }}
            {{- if $policy }}
            - {name: policy-package-volume, mountPath: {{ $values.policyPackages.mountPath }}}
            {{- end }}
            {{- range $mount := $mounts }}
            {{- $plural := eq $values.chart "server" | ternary $mount.subPaths nil }}
            {{- range $plural }}
            - name: {{ include "fixture.volume" $mount }}
              mountPath: {{ $mount.mountPath }}{{ . }}
              subPath: {{ . }}
            {{- else }}
            - name: {{ include "fixture.volume" $mount }}
              mountPath: {{ $mount.mountPath }}
              {{- if or $mount.subPath (ne $values.chart "daemons") }}
              subPath: {{ $mount.subPath }}
              {{- end }}
            {{- end }}
            {{- end }}
            {{- range $name, $claim := $values.persistentVolumes }}
            - {name: {{ $name }}, mountPath: {{ $claim.mountPath }}}
            {{- end }}
            {{- range $hostPaths }}
            - name: {{ .volumeName | default (printf "a%s" (.mountPath | sha1sum)) }}
              mountPath: {{ .mountPath }}
              readOnly: {{ .readOnly | default false }}
            {{- end }}
          env:
            {{- if not $daemon }}
            {{- range $key, $value := $values.httpd_config }}
            - name: RUCIO_HTTPD_{{ $key | upper }}
              valueFrom: {secretKeyRef: {name: {{ $.fullname }}.cfg, key: {{ $key }}}}
            {{- end }}
            {{- end }}
            {{- range $key, $value := $values.optional_config }}
            - name: {{ $key | upper }}
              value: "{{ $value }}"
            {{- end }}
            - name: RUCIO_OVERRIDE_CONFIGS
              value: /opt/rucio/etc/conf.d/
            {{- if $daemon }}
            - name: RUCIO_DAEMON
              value: {{ .daemon }}
            - name: RUCIO_DAEMON_ARGS
              value: "{{ with $component.threads }} --threads {{ . }}{{ end }}"
            {{- end }}
            {{- if $reaper }}
            - {name: GLOBUS_THREAD_MODEL, value: pthread}
            - {name: RUCIO_HOME, value: /opt/rucio/reaper}
            {{- if $implicit }}
            - {name: X509_USER_PROXY, value: /opt/proxy/x509up}
            {{- end }}
            {{- end }}
            {{- if $policy }}
            - name: PYTHONPATH
              value: {{ $values.policyPackages.mountPath }}{{ if eq $values.chart "ui" }}:${PYTHONPATH}{{ end }}
            {{- end }}
            {{- if eq $values.chart "server" }}
            - {name: RUCIO_ENABLE_SSL, value: "False"}
            - {name: RUCIO_SERVER_TYPE, value: api}
            {{- end }}
            {{- with $values.additionalEnvs }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
            {{- with $component.additionalEnvs }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
{{- end -}}
