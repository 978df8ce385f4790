#!/bin/sh
# The main job on the embedded default: a real package from the index becomes manifests in ./demo/cluster.
set -eu
rm -rf demo
mkdir -p demo/cluster/rucio
cd demo

cat >secretsync.yaml <<'YAML'
packages:
  - moduleName: atlas_rucio_policy_package
    requirement: atlas-rucio-policy-package==0.8.6
    version: 0.8.6
targets:
  - cluster: {directory: ./cluster}
    namespace: rucio
    secretName: atlas-rucio-policy
YAML

# a server as Rucio's chart would make it, which mounts the package
cat >cluster/rucio/deployment-server.yaml <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: server
  namespace: rucio
  labels: {app: rucio-server}
spec:
  selector:
    matchLabels: {app: rucio-server}
  template:
    metadata:
      labels: {app: rucio-server}
    spec:
      containers:
        - name: rucio-server
          image: rucio/rucio-server:release-41.5.1
          env:
            - {name: PYTHONPATH, value: /opt/rucio/policy}
            - {name: RUCIO_POLICY_PACKAGE, value: atlas_rucio_policy_package}
          volumeMounts:
            - {name: policy, mountPath: /opt/rucio/policy/atlas_rucio_policy_package}
      volumes:
        - name: policy
          secret: {secretName: atlas-rucio-policy}
YAML

say() { printf '\n--- %s\n' "$*"; }

say "what would a run do?   secretsync plan"
code=0; secretsync plan || code=$?
[ "$code" -eq 3 ] || { echo "expected exit code 3 (changes pending), got $code"; exit 1; }

say "do it                  secretsync apply"
secretsync apply

say "again                  secretsync apply"
secretsync apply

say "the manifests, fit for a GitOps repository"
ls -l cluster/rucio
grep -n 'secretsync.rucio' cluster/rucio/deployment-server.yaml
