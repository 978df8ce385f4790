{{- define "secretsync.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* 52 characters: a CronJob's name must leave room for what its Jobs add. */}}
{{- define "secretsync.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "secretsync.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "secretsync.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "secretsync.selectorLabels" -}}
app.kubernetes.io/name: {{ include "secretsync.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "secretsync.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "secretsync.selectorLabels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "secretsync.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "secretsync.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "secretsync.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ printf "%s@%s" .repository .digest }}{{ else }}{{ printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) }}{{ end }}
{{- end }}
{{- end }}

{{/* The configuration: in the deployment mode with the port of the probes, and with the Lease of several replicas. */}}
{{- define "secretsync.config" -}}
{{- include "secretsync.refuseTargets" . }}
{{- $added := dict }}
{{- if eq .Values.mode "deployment" }}
{{- $_ := set $added "health" (dict "port" 8080) }}
{{- if gt (int .Values.deployment.replicas) 1 }}
{{- $_ := set $added "election" (dict "cluster" (dict "inCluster" true) "namespace" .Release.Namespace) }}
{{- end }}
{{- end }}
{{- toYaml (mergeOverwrite $added .Values.config) }}
{{- end }}

{{/* Fails for a target that no pod can serve: helm is told now what each run would say. */}}
{{- define "secretsync.refuseTargets" -}}
{{- range $index, $target := .Values.config.targets }}
{{- $cluster := $target.cluster | default dict }}
{{- $places := list }}
{{- range list "inCluster" "context" "directory" "repository" }}
{{- if hasKey $cluster . }}{{- $places = append $places . }}{{- end }}
{{- end }}
{{- if gt (len $places) 1 }}
{{- fail (printf "config.targets[%d].cluster: a target is in one place, and these are given: %s" $index (join ", " $places)) }}
{{- end }}
{{- if and (hasKey $cluster "context") (not $cluster.kubeconfig) (not $.Values.extraEnv) }}
{{- fail (printf "config.targets[%d].cluster.context: the pod has no kubeconfig: write {inCluster: true} for this cluster, or mount a kubeconfig by 'credentials' and name it by 'kubeconfig: /credentials/NAME/KEY' beside the context" $index) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The ports that the pod answers on, by name, as JSON; none in the cronjob mode. */}}
{{- define "secretsync.ports" -}}
{{- $ports := dict }}
{{- if eq .Values.mode "deployment" }}
{{- $config := include "secretsync.config" . | fromYaml }}
{{- $_ := set $ports "health" (int $config.health.port) }}
{{- with $config.webhook }}
{{- $_ := set $ports "webhook" (int .port) }}
{{- end }}
{{- end }}
{{- toJson $ports }}
{{- end }}

{{/* The Secrets that secretsync writes for one target, as secretsync itself names them; {root, target}. */}}
{{- define "secretsync.secretNames" -}}
{{- $config := .root.Values.config }}
{{- $names := list (printf "%s-state" ($config.installation | default "secretsync")) }}
{{- range $package := $config.packages }}
{{- $name := $package.secretName | default $.target.secretName | default ($package.moduleName | lower | replace "_" "-" | trimAll "-") }}
{{- $names = append $names $name }}
{{- range $.root.Values.rbac.directories }}
{{- $names = append $names (printf "%s-%s" $name (regexReplaceAll "[^a-z0-9]" (lower .) "-" | trimAll "-")) }}
{{- end }}
{{- range $number := untilStep 1 (int (add 1 (($.target.rollout).history | default 5))) 1 }}
{{- $names = append $names (printf "%s-history-%d" $name $number) }}
{{- end }}
{{- end }}
{{- toYaml (concat $names .root.Values.rbac.extraSecretNames | uniq) }}
{{- end }}

{{/* The pod, which both modes share; {root, component, arguments, restartPolicy, answers: its ports by name}. */}}
{{- define "secretsync.podTemplate" -}}
{{- $ := .root -}}
metadata:
  labels:
    {{- include "secretsync.labels" $ | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    {{- with $.Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "secretsync.config" $ | sha256sum }}
    {{- with $.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "secretsync.serviceAccountName" $ }}
  restartPolicy: {{ .restartPolicy }}
  terminationGracePeriodSeconds: {{ $.Values.terminationGracePeriodSeconds }}
  # a Service of the namespace must not reach the program as environment variables
  enableServiceLinks: false
  securityContext:
    {{- toYaml $.Values.podSecurityContext | nindent 4 }}
  {{- range $key := list "imagePullSecrets" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" }}
  {{- with get $.Values $key }}
  {{ $key }}: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  containers:
    - name: secretsync
      image: {{ include "secretsync.image" $ | quote }}
      imagePullPolicy: {{ $.Values.image.pullPolicy }}
      args: {{ concat (list "--config" "/etc/secretsync/secretsync.yaml" "--log-format" $.Values.logFormat) (ternary (list "--verbose") list $.Values.verbose) .arguments | toJson }}
      # what was said last, where no other word was left
      terminationMessagePolicy: FallbackToLogsOnError
      env:
        - {name: HOME, value: /cache}
        - {name: XDG_CACHE_HOME, value: /cache}
        - {name: TMPDIR, value: /cache}
        {{- with $.Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .answers }}
      ports:
        {{- range $name, $port := . }}
        - {name: {{ $name }}, containerPort: {{ $port }}}
        {{- end }}
      # stuck, not slow: a source or a cluster that is down is no reason to start anew
      livenessProbe:
        httpGet: {path: /healthz, port: health}
        periodSeconds: 20
        timeoutSeconds: 5
      readinessProbe:
        httpGet: {path: /readyz, port: health}
        periodSeconds: 5
        timeoutSeconds: 5
      {{- end }}
      securityContext:
        {{- toYaml $.Values.securityContext | nindent 8 }}
      resources:
        {{- toYaml $.Values.resources | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/secretsync, readOnly: true}
        - {name: cache, mountPath: /cache}
        {{- range $index, $name := $.Values.credentials }}
        - {name: credentials-{{ $index }}, mountPath: /credentials/{{ $name }}, readOnly: true}
        {{- end }}
        {{- range $index, $name := $.Values.trust }}
        - {name: trust-{{ $index }}, mountPath: /trust/{{ $name }}, readOnly: true}
        {{- end }}
        {{- with $.Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "secretsync.fullname" $ }}}
    - name: cache
      {{- if $.Values.cache.existingClaim }}
      persistentVolumeClaim: {claimName: {{ $.Values.cache.existingClaim }}}
      {{- else }}
      emptyDir: {sizeLimit: {{ $.Values.cache.sizeLimit }}}
      {{- end }}
    {{- range $index, $name := $.Values.credentials }}
    - name: credentials-{{ $index }}
      # 0440: the group is fsGroup; ssh takes a key that it does not own and the world cannot read
      secret: {secretName: {{ $name }}, defaultMode: 0440}
    {{- end }}
    {{- range $index, $name := $.Values.trust }}
    - name: trust-{{ $index }}
      configMap: {name: {{ $name }}}
    {{- end }}
    {{- with $.Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
