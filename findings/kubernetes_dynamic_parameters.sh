#!/bin/sh
# kubernetes 37.0.2 (Python): the DynamicClient leaves out parameters that it does not know, and says nothing.
#
# create(..., field_validation="Strict") sends no fieldValidation: the API server drops misspelt fields of the object,
# as without it. delete(..., dryRun="All"), spelt as in the API, deletes. The calls that are made for one kind
# (CoreV1Api) send the first and refuse the second. Guess before the run: both are sent, or refused.
#
# Who it hurts: who asks for a strict check or a dry run, and believes to have had it.
#
# Seen: as below, with a server on the loopback that tells what was asked of it.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes==37.0.2 || exit 2
cat >"$work/seen.py" <<'PYTHON'
import http.server
import json
import threading

from kubernetes import client
from kubernetes.dynamic import DynamicClient

VERBS = ["create", "delete", "get"]
KINDS = [{"name": "configmaps", "singularName": "configmap", "namespaced": True, "kind": "ConfigMap", "verbs": VERBS}]
ANSWERS = {
    "/version": {"gitVersion": "v1.36.3"},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": KINDS},
}
OBJECT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "models"}, "dada": {"a": "b"}}
asked = []


class Api(http.server.BaseHTTPRequestHandler):
    """Knows one kind and agrees to everything."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked.append(f"{self.command} {self.path.rpartition('/')[2]}")
        body = json.dumps(ANSWERS.get(self.path, OBJECT)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *args):
        """Say nothing."""


def tell(what, call, *args, **given):
    """Make one call and print what reached the server."""
    try:
        call(*args, **given)
        came = asked[-1]
    except (TypeError, ValueError):
        came = "refused"
    print(what, {key: given[key] for key in given if key not in ("body", "name", "namespace")}, "->", came)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
api = client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}"))
typed = client.CoreV1Api(api)
dynamic = DynamicClient(api).resources.get(api_version="v1", kind="ConfigMap")
ours = {"name": "models", "namespace": "edge"}
tell("CoreV1Api create", typed.create_namespaced_config_map, "edge", {"metadata": {}}, field_validation="Strict")
tell("DynamicClient create", dynamic.create, body=OBJECT, namespace="edge", field_validation="Strict")
tell("DynamicClient delete", dynamic.delete, **ours, dry_run="All")
tell("DynamicClient delete", dynamic.delete, **ours, dryRun="All")
tell("CoreV1Api delete", typed.delete_namespaced_config_map, **ours, dryRun="All")
server.shutdown()
PYTHON
env -u HTTP_PROXY -u http_proxy TMPDIR="$work" "$work/venv/bin/python" -W ignore "$work/seen.py" >"$work/now"
cat >"$work/then" <<'OUTPUT'
CoreV1Api create {'field_validation': 'Strict'} -> POST configmaps?fieldValidation=Strict
DynamicClient create {'field_validation': 'Strict'} -> POST configmaps
DynamicClient delete {'dry_run': 'All'} -> DELETE models?dryRun=All
DynamicClient delete {'dryRun': 'All'} -> DELETE models
CoreV1Api delete {'dryRun': 'All'} -> refused
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-12-01"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
