#!/bin/sh
# kubernetes 37.0.2 (Python): DynamicClient(...).version is for ever the version that was there at the first visit.
#
# The client keeps the answer of /version, with the kinds, in a file of the machine's directory for temporary files,
# named by a hash of the server's address. The file does not expire: a new process asks neither after an upgrade nor
# when another cluster answers at the address, until it looks for a kind that the file lacks. Guess before the run: each
# client asks once.
#
# Who it hurts: checks of the version after an upgrade, and fleets that are reached through tunnels, one after the
# other, at one port of the own machine.
#
# Seen: as below; only a client with a cache_file of its own, or after invalidate_cache(), is right.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes==37.0.2 || exit 2
cat >"$work/visit.py" <<'PYTHON'
import sys

from kubernetes import client
from kubernetes.dynamic import DynamicClient

dynamic = DynamicClient(client.ApiClient(client.Configuration(host=sys.argv[1])))
first = dynamic.version["kubernetes"]["gitVersion"]
code = client.VersionApi(dynamic.client).get_code().git_version
print(f"DynamicClient says {first}, VersionApi says {code}", end="")
if sys.argv[2:]:
    dynamic.resources.invalidate_cache()
    print(f", after invalidate_cache() {dynamic.version['kubernetes']['gitVersion']}", end="")
print()
PYTHON
cat >"$work/seen.py" <<'PYTHON'
import http.server
import json
import subprocess
import sys
import threading

cluster = {"version": "v1.35.0"}


class Api(http.server.BaseHTTPRequestHandler):
    """Tells its version, and that it has no kinds."""

    def do_GET(self):
        parts = dict.fromkeys(("buildDate", "compiler", "gitCommit", "gitTreeState", "goVersion", "major", "minor"), "")
        version = {**parts, "platform": "", "gitVersion": cluster["version"]}
        kinds = {"kind": "APIGroupList", "groups": []}
        body = json.dumps(version if self.path.startswith("/version") else kinds).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
for version, more in (("v1.35.0", []), ("v1.36.3", []), ("v1.36.3", ["invalidate"])):
    cluster["version"] = version
    visit = [sys.executable, "-W", "ignore", sys.argv[1], f"http://127.0.0.1:{server.server_port}", *more]
    told = subprocess.run(visit, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(f"cluster {version}, new process:", told, end="")
server.shutdown()
PYTHON
env -u HTTP_PROXY -u http_proxy TMPDIR="$work" "$work/venv/bin/python" -W ignore "$work/seen.py" "$work/visit.py" \
    >"$work/now"
cat >"$work/then" <<'OUTPUT'
cluster v1.35.0, new process: DynamicClient says v1.35.0, VersionApi says v1.35.0
cluster v1.36.3, new process: DynamicClient says v1.35.0, VersionApi says v1.36.3
cluster v1.36.3, new process: DynamicClient says v1.35.0, VersionApi says v1.36.3, after invalidate_cache() v1.36.3
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-12-01"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
