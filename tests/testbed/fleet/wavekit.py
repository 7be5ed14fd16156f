"""The plays of playbooks/site.yml with another job in them, and the same job in stock plays.

The waves, the gate, the journal and the way back are those of the playbook itself, read from its
file; only the roles of the job are replaced, so that hundreds of clusters that are none can fail in
every way that a play knows.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
# The one task of a batch for clusters that are none.
ACTIONS = Path(__file__).resolve().parent / "action_plugins"
# An address at which nothing listens.
NOWHERE = "https://127.0.0.1:1"
DID = "Do the job"
# The variable by which all processes of a run are found.
MARK = "EDGE_RUN_IN"


class _Refusal(BaseHTTPRequestHandler):
    """The API server of all clusters of these plays, which tells nobody anything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Refuse."""
        body = json.dumps(
            {"kind": "Status", "apiVersion": "v1", "code": 403, "reason": "Forbidden"}
        ).encode()
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@functools.lru_cache(maxsize=1)
def refusing() -> str:
    """Return the address of a server that refuses all, which ends with this process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusal)
    threading.Thread(target=server.serve_forever, name="refusing", daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


Tasks = list[dict[str, Any]]
Play = dict[str, Any]

# What a cluster does: its variable "how" says fail, unreachable, or nothing special.
JOB: Tasks = [
    {
        "name": "Reach the cluster",
        "ansible.builtin.ping": {},
        "when": "how | default('') == 'unreachable'",
        "vars": {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": 1,
            "ansible_ssh_common_args": "-o ConnectTimeout=2 -o ConnectionAttempts=1",
        },
    },
    {
        "name": "Fail where the test says so",
        "ansible.builtin.fail": {"msg": "the model does not load"},
        "when": "how | default('') == 'fail'",
    },
    {"name": DID, "ansible.builtin.debug": {"msg": "served"}},
]


def ours(job: Tasks = JOB) -> list[Play]:
    """Return the plays of site.yml with another job in place of the roles."""
    plays: list[Play] = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text("utf-8"))
    for play in plays:
        play["tasks"] = [task for task in play["tasks"] if "fleet_report" not in str(task)]
        for task in play["tasks"]:
            _replace(task, job)
    return plays


def ours_with_role(path: str, role: str = "openvino.edge.model_repository") -> list[Play]:
    """Return the plays of site.yml with another role in the place of one, under its keywords.

    Args:
        path: directory of the role that takes its place.
        role: the one that is replaced.
    """
    plays: list[Play] = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text("utf-8"))
    (task,) = [item for play in plays for task in play["tasks"] for item in _importing(task, role)]
    return ours([{**task, "ansible.builtin.import_role": {"name": path}}])


def _importing(task: dict[str, Any], role: str) -> Tasks:
    """Return the tasks in a task that import a role."""
    if task.get("ansible.builtin.import_role", {}).get("name") == role:
        return [task]
    return [found for item in task.get("block", []) for found in _importing(item, role)]


def _replace(task: dict[str, Any], job: Tasks) -> None:
    """Replace roles below a task: the first by the job, the others by nothing."""
    block: Tasks = task.get("block", [])
    roles = [item for item in block if any(key.endswith("_role") for key in item)]
    for item in roles:
        block.remove(item)
    if any("import_role" in str(list(item)) for item in roles):
        block[:0] = [dict(item) for item in job]
    elif roles:
        block.insert(0, {"name": "Do nothing", "ansible.builtin.debug": {"msg": "nothing"}})
    for item in block:
        item.get("openvino.edge.rollout_cluster", {}).pop("roles", None)
        _replace(item, job)


def stock(**keywords: Any) -> list[Play]:
    """Return one play of Ansible's own with C(JOB), under some of its keywords."""
    play = {"name": "Stock", "hosts": "all", "gather_facts": False, "tasks": JOB}
    return [{**play, **keywords}]


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes:
        code: exit status of C(ansible-playbook).
        did: hosts on which the job was done.
        text: all that was printed.
    """

    code: int
    did: list[str]
    text: str


def run(
    folder: Path,
    plays: list[Play],
    hosts: dict[str, str],
    *options: str,
    strategy: str = "",
    **variables: Any,
) -> Outcome:
    """Run plays over hosts of which each does what its value says.

    Args:
        folder: for the inventory, the plays and the journal.
        plays: from C(ours) or C(stock).
        hosts: what each does: C(fail), C(unreachable), or an empty text.
        options: of C(ansible-playbook).
        strategy: of the environment, which plays may overrule.
        variables: of the inventory.
    """
    argv, environment = _command(folder, plays, hosts, strategy, variables)
    done = subprocess.run(
        [*argv, *options],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    text = done.stdout + done.stderr
    return Outcome(done.returncode, _did(done.stdout), text)


def _command(
    folder: Path,
    plays: list[Play],
    hosts: dict[str, str],
    strategy: str,
    variables: dict[str, Any],
) -> tuple[list[str], dict[str, str]]:
    """Write inventory and plays; return the command and its environment."""
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "edge_namespace": "edge",
        "edge_auth": {"host": refusing(), "api_key": "none"},
        "edge_journal": str(folder / "journal.sqlite"),
        **variables,
    }
    inventory = {"all": {"hosts": {host: {"how": how} for host, how in hosts.items()}}}
    inventory["all"]["vars"] = common
    (folder / "hosts.json").write_text(json.dumps(inventory))
    (folder / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False, width=1000))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_ACTION_PLUGINS": str(ACTIONS),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORKS": "20",
        MARK: str(folder),
        "NO_PROXY": "127.0.0.1",
        **({"ANSIBLE_STRATEGY": strategy} if strategy else {}),
    }
    program = str(Path(sys.executable).parent / "ansible-playbook")
    return [program, "-i", str(folder / "hosts.json"), str(folder / "play.yml")], environment


def start(
    folder: Path, plays: list[Play], hosts: dict[str, str], output: IO[str], **variables: Any
) -> subprocess.Popen[bytes]:
    """Start what C(run) runs."""
    argv, environment = _command(folder, plays, hosts, "", variables)
    return subprocess.Popen(
        argv,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )


def _did(text: str) -> list[str]:
    """Return the hosts that are "ok" below a task of the job's name, also with strategy free."""
    found: set[str] = set()
    task = ""
    for line in text.splitlines():
        heading = re.match(r"TASK \[(.*)\]", line)
        if heading:
            task = heading[1]
        host = re.match(r"ok: \[([^\]]+)\]", line)
        if host and task == DID:
            found.add(host[1])
    return sorted(found)
