{{/* Made by scripts/chart_role.py from secretsync/core/kinds; change it there. */}}
{{- define "secretsync.workloadRules" -}}
# who mounts them, and the annotation that restarts
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [list, patch]
{{- if .Capabilities.APIVersions.Has "argoproj.io/v1alpha1/Rollout" }}
# who mounts them, and the annotation that restarts
- apiGroups: [argoproj.io]
  resources: [rollouts]
  verbs: [list, patch]
{{- end }}
# what may still start pods that refer to a Secret which is to be deleted
- apiGroups: [apps]
  resources: [replicasets, controllerrevisions]
  verbs: [list]
# what may still start pods that refer to a Secret which is to be deleted
- apiGroups: [batch]
  resources: [jobs, cronjobs]
  verbs: [list]
{{- end }}
