"""`make fleet`: a rollout over six sites of the local clusters, with all that a night can bring.

A site is a namespace with a store and a server of its own. The server is the OVMS stand-in. What is
to be seen is checked, so the command fails when the fleet does not end as the summary says.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[3]
LAB = ROOT / "tests" / "testbed" / "lab" / "lab"
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
# OpenVINO IR, version 11: what comes in goes out.
PORT = '<port id="0" precision="FP32" names="x"><dim>1</dim><dim>4</dim></port>'
GOOD = (
    '<?xml version="1.0"?><net name="tiny" version="11"><layers>'
    '<layer id="0" name="x" type="Parameter" version="opset1">'
    f'<data shape="1,4" element_type="f32"/><output>{PORT}</output></layer>'
    f'<layer id="1" name="y" type="Result" version="opset1"><input>{PORT}</input></layer>'
    '</layers><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/></edges></net>'
)
VERSIONS = {1: GOOD, 2: "<net", 3: GOOD}
ON_SHOP, ON_FACTORY = ("oslo", "rome", "porto", "turin"), ("plant-1", "plant-2")
SITES = (*ON_SHOP, *ON_FACTORY)
WAVES: list[Any] = [
    {"name": "canary", "clusters": ["oslo"], "soak": 2},
    {"name": "early", "clusters": ["rome"]},
    {"name": "shops", "clusters": ["porto", "turin"]},
    {"name": "plants", "rest": True},
]
# What the callback and the engine say; the tasks of each play go to the log.
TOLD = re.compile(r"^(rollout|wave|going on|of the fleet|the rollout|\S+: (deferred|failed))")


def say(text: str) -> None:
    """Print one line."""
    print(text, flush=True)


@dataclass
class Show:
    """The fleet and where its files are.

    Attributes:
        folder: for models, inventory, journal, log and report.
        namespace: what the names of the namespaces begin with.
        down: sites whose API server cannot be reached.
        simulated: other sites, with their variables.
    """

    folder: Path
    namespace: str
    down: set[str] = field(default_factory=set)
    simulated: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """Return the file that has all that the plays print."""
        return self.folder / "log.txt"

    @property
    def report(self) -> Path:
        """Return the page of the run that was killed and gone on with."""
        return self.folder / "report.html"

    def prepare(self) -> None:
        """Write the models."""
        for version, text in VERSIONS.items():
            directory = self.folder / "models" / "tiny" / str(version)
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "model.xml").write_text(text)
            (directory / "model.bin").write_bytes(b"")

    def inventory(self, version: int) -> Path:
        """Write the inventory that wants one version of the model."""
        hosts: dict[str, dict[str, Any]] = {}
        for site in SITES:
            cluster = "factory" if site in ON_FACTORY else "shop"
            hosts[site] = {
                "edge_namespace": f"{self.namespace}-{site}",
                "edge_kubeconfig": str(kubeconfig(cluster)),
                "edge_auth": {"host": "https://127.0.0.1:1"} if site in self.down else {},
                "edge_store": {"pvc": {"claim_name": "models"}},
                "edge_namespace_labels": {"pod-security.kubernetes.io/enforce": "restricted"},
            }
            if cluster == "factory":
                path = f"/var/lib/openvino-edge/{self.namespace}-{site}"
                hosts[site]["edge_store"] = {"host_path": {"path": path, "nodes": nodes(cluster)}}
                hosts[site]["edge_namespace_labels"] = {
                    "pod-security.kubernetes.io/enforce": "privileged"
                }
        hosts.update(self.simulated)
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "edge_create": True,
            "preflight_claim_size": "64Mi",
            "edge_src": str(self.folder / "models"),
            "edge_models": [{"name": "tiny", "versions": [version]}],
            "edge_image": os.environ.get("EDGE_SERVER_IMAGE") or "localhost/ovms-standin:2026.3",
            "edge_agent_image": "localhost/edge-python:3.11",
            "edge_waves": WAVES,
            "edge_fleet": "show",
            "edge_journal": str(self.folder / "journal.sqlite"),
            "edge_max_deferred": 1,
        }
        written = self.folder / "hosts.json"
        written.write_text(json.dumps({"sites": {"hosts": hosts, "vars": common}}, indent=1))
        return written

    def start(self, playbook: str, version: int) -> "subprocess.Popen[str]":
        """Start a playbook over the fleet."""
        environment = {
            **os.environ,
            "ANSIBLE_CALLBACKS_ENABLED": "openvino.edge.rollout",
            "EDGE_REPORT_DIR": str(self.folder / "report"),
            "ANSIBLE_NOCOLOR": "1",
        }
        return subprocess.Popen(
            [str(PLAYBOOK), playbook, "-i", str(self.inventory(version))],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def play(self, playbook: str, version: int, kill_at: str = "", *, quiet: bool = False) -> int:
        """Run a playbook and show what it tells; with C(kill_at) kill it when a site begins."""
        process = self.start(playbook, version)
        assert process.stdout is not None
        with self.log.open("a") as log:
            for line in process.stdout:
                log.write(line)
                if TOLD.match(line) and not quiet:
                    say(f"    {line.rstrip()}")
                if kill_at and self.state(kill_at) == "begun":
                    os.killpg(process.pid, signal.SIGKILL)
                    say(f"    (killed with SIGKILL while it works on {kill_at})")
                    break
        return process.wait()

    def state(self, site: str) -> str:
        """Return what the journal holds of a site in the newest rollout; empty if nothing."""
        path = self.folder / "journal.sqlite"
        if not path.exists():
            return ""
        with sqlite3.connect(path, timeout=60) as store:
            row = store.execute(
                "SELECT state FROM clusters WHERE cluster = ? AND rollout ="
                " (SELECT max(number) FROM rollouts)",
                (site,),
            ).fetchone()
        return str(row[0]) if row else ""


def kubeconfig(cluster: str) -> Path:
    """Return the administrator's kubeconfig of a cluster of the lab."""
    told = subprocess.run(
        [str(LAB), "kubeconfig", cluster], capture_output=True, text=True, check=True
    )
    return Path(told.stdout.strip())


def nodes(cluster: str) -> list[str]:
    """Return the names of a cluster's nodes."""
    return [f"{cluster}-1", f"{cluster}-2"]


def acts(show: Show) -> list[str]:
    """Play all that happens; return what did not go as it should."""
    wrong: list[str] = []

    def check(text: str, well: bool) -> None:
        say(f"  {'ok ' if well else 'BAD'} {text}")
        if not well:
            wrong.append(text)

    say("1. Version 1 goes to all six sites, in four waves")
    check("all sites serve version 1", show.play("site.yml", 1) == 0)

    say("2. Version 2 cannot be loaded")
    code = show.play("site.yml", 2)
    touched = [site for site in SITES if show.state(site)]
    check("the rollout stopped", code == 2)
    check(f"only the canary was touched: {', '.join(touched)}", touched == ["oslo"])
    check("the canary was put back", show.state("oslo") == "undone")

    say("3. Version 3, while turin is offline; the controller is killed in the third wave")
    show.down = {"turin"}
    show.play("site.yml", 3, kill_at="porto")
    check("the canary was done by then", show.state("oslo") == "done")
    check("the same command goes on and ends well", show.play("site.yml", 3) == 0)
    check("turin was left for later", show.state("turin") == "deferred")
    # Each run writes a report; this one has the most to tell.
    shutil.copy(show.folder / "report" / "report.html", show.report)

    say("4. turin is back")
    show.down = set()
    check("the same command takes it to version 3", show.play("site.yml", 3) == 0)
    check("turin is done", show.state("turin") == "done")
    if show.simulated:
        done = all(show.state(site) == "done" for site in show.simulated)
        check(f"so are {len(show.simulated)} simulated sites", done)

    say("5. Every replica is asked once more")
    check("all sites serve version 3 and nothing else", show.play("verify.yml", 3) == 0)
    return wrong


@contextmanager
def more_sites(show: Show, count: int) -> Iterator[None]:
    """Have so many simulated sites in the fleet, in a lab cluster that is up meanwhile."""
    if not count:
        yield
        return
    from sites import sites

    with tempfile.TemporaryDirectory(prefix="edge-fleet-") as scratch, ExitStack() as stack:
        folder = Path(scratch)
        folder.chmod(0o711)  # helpers run as other users
        found = stack.enter_context(sites(folder / "sites", count))
        keys = ("preflight_claim_storage_class", "preflight_claim_size")
        common = {key: value for key, value in found.variables().items() if key in keys}
        store = {"edge_store": {"pvc": {"claim_name": "models"}}}
        show.simulated = {name: {**common, **store, **own} for name, own in found.hosts().items()}
        yield


def main(arguments: Sequence[str]) -> int:
    """Play, tear down, and print where the report is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for the report and the log; made anew")
    parser.add_argument("--simulated", type=int, default=0, help="so many simulated sites, too")
    options = parser.parse_args(arguments)
    folder: Path = options.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began = time.monotonic()
    show = Show(folder, f"fleet-{uuid.uuid4().hex[:6]}")
    show.prepare()
    with more_sites(show, options.simulated):
        try:
            wrong = acts(show)
        finally:
            show.down = set()
            show.play("teardown.yml", 3, quiet=True)
    say(f"log: {show.log}\nreport: {show.report}")
    say(
        f"fleet: {len(SITES)} sites on 2 clusters and {options.simulated} simulated ones,"
        f" {len(WAVES)} waves, {len(wrong)} things wrong, {time.monotonic() - began:.0f} s; the"
        " server is the OVMS stand-in of tests/testbed/standin, not OVMS itself"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
