#!/bin/sh
# kubernetes 37.0.2 (Python): of the files in KUBECONFIG the last one's current-context counts; for kubectl the first's.
#
# Kubernetes documents that the first file to set a value wins, and kubectl and client-go do so. The Python package
# does it for clusters, users and contexts, and takes current-context from the last file that has the key; an empty one,
# as `kubectl config set-cluster` writes it into a new file, is an error. Guess before the run: the first file's.
#
# Who it hurts: whoever looks with kubectl and changes with Python, or with kubernetes.core, which uses this package:
# the same KUBECONFIG means two clusters.
#
# Seen: as below.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes==37.0.2 || exit 2
# Write a kubeconfig with one cluster and the line of its current context.
kubeconfig() {
    cat >"$work/$1" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: $1, cluster: {server: https://$1.example}}]
contexts: [{name: $1, context: {cluster: $1, user: $1}}]
users: [{name: $1, user: {token: secret}}]
$2
YAML
}
kubeconfig laboratory "current-context: laboratory"
kubeconfig production "current-context: production"
kubeconfig unset ""
kubeconfig empty 'current-context: ""'
cat >"$work/seen.py" <<'PYTHON'
import os

from kubernetes import config

try:
    came = config.new_client_from_config().configuration.host
except config.ConfigException as error:
    came = type(error).__name__
print(":".join(os.path.basename(path) for path in os.environ["KUBECONFIG"].split(":")), "->", came)
PYTHON
for second in production unset empty; do
    KUBECONFIG="$work/laboratory:$work/$second" "$work/venv/bin/python" -W ignore "$work/seen.py"
done >"$work/now"
cat >"$work/then" <<'OUTPUT'
laboratory:production -> https://production.example
laboratory:unset -> https://laboratory.example
laboratory:empty -> ConfigException
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-12-01"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
