# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of a server's change: what serves goes on serving, killed half-way or not.

C(partial) counts trials in which at some moment nobody served a version that was wanted then;
C(wrong_success) runs that said success without the wanted version; C(resumed) trials after which
the next run, with everything in order, brought what it should.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_faults import objects, servers
from edge_faults.candidates import Ours, Outcome, Run
from edge_faults.models import MODEL, OTHER_WIDTH, Shape, describe, make_other
from edge_faults.sites import Site, SiteError, Target
from edge_faults.trials import Stage
from edge_faults.verdict import Trial

SMALL = Shape(weights=0.4, extra=0.2)
NAME = "edge"
SECONDS = 25  # that a run waits for what does not come
AFTERWARDS = 6.0  # seconds of looking on when a run has ended
POLL = 0.4
OTHER = "other"  # the directory beside the model's own


def deploy(stage: Stage, version: int, **options: Any) -> Run:
    """Start C(model_server) for one pinned version."""
    site, ours = stage.site, stage.candidate
    assert isinstance(ours, Ours)
    args = {
        "kubeconfig": ours.arguments(site)["kubeconfig"],
        "namespace": site.namespace,
        "name": NAME,
        "image": objects.SERVER_IMAGE,
        "models": [{"name": MODEL, "versions": [version]}],
        "pvc": {"claim_name": "models"},
        "drain_seconds": 0,
        "wait_timeout": SECONDS,
        **options,
    }
    return ours.module(site, "model_server", args)


def _answers(site: Site, path: str) -> Iterator[Mapping[str, Any]]:
    """Yield what each pod of the server that answers says to a GET."""
    for pod in site.kube.items("pods", f"app.kubernetes.io/instance={NAME}"):
        name = pod["metadata"]["name"]
        try:
            yield site.kube.raw(
                f"/api/v1/namespaces/{site.namespace}/pods/{name}:8081/proxy/{path}"
            )
        except (SiteError, ValueError):
            continue


def states(site: Site) -> list[Mapping[str, str]]:
    """Return for each running pod of the server the state of every version."""
    return [
        {
            str(item["version"]): str(item["state"])
            for item in answer.get(MODEL, {}).get("model_version_status", [])
        }
        for answer in _answers(site, "v1/config")
    ]


def serves_other(site: Site, version: int) -> bool:
    """Return whether each pod serves the other directory's bytes, told by the input's width."""
    found = [
        answer["inputs"][0]["shape"][-1]
        for answer in _answers(site, f"v2/models/{MODEL}/versions/{version}")
    ]
    return bool(found) and set(found) == {OTHER_WIDTH}


def is_served(site: Site, *versions: int) -> bool:
    """Return whether a pod serves one of these versions."""
    return any(seen.get(str(one)) == servers.AVAILABLE for seen in states(site) for one in versions)


@dataclass
class Looker:
    """Looks again and again whether one of the versions is served."""

    site: Site
    versions: tuple[int, ...]
    looks: int = 0
    gaps: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Look until C(stop)."""
        began = time.monotonic()
        while not self._stop.wait(POLL):
            self.looks += 1
            if not is_served(self.site, *self.versions) and not self._stop.is_set():
                told = json.dumps(states(self.site))
                self.gaps.append(f"nobody serves after {time.monotonic() - began:.1f} s: {told}")

    def stop(self) -> None:
        """Look no longer."""
        self._stop.set()


@contextmanager
def looking(site: Site, *versions: int) -> Iterator[Looker]:
    """Look on meanwhile, and for some seconds afterwards."""
    looker = Looker(site, versions)
    thread = threading.Thread(target=looker.run)
    thread.start()
    try:
        yield looker
        time.sleep(AFTERWARDS)
    finally:
        looker.stop()
        thread.join()


@contextmanager
def damaged(site: Site, target: Target) -> Iterator[None]:
    """Meanwhile nobody can load a version: its model.xml has other bytes, and as many."""
    path = site.models / target.name / "model.xml"
    data = path.read_bytes()
    _overwrite(path, b"no model".ljust(len(data)))
    try:
        yield
    finally:
        _overwrite(path, data)


def _overwrite(path: Path, data: bytes) -> None:
    with path.open("r+b") as stream:  # as long as it was at every moment: the watcher looks on
        stream.write(data)


def _published(stage: Stage) -> Target:
    target = stage.site.new_target(stage.shape)
    outcome = stage.candidate.copy(stage.site, target)
    if not outcome.success:
        raise SiteError(outcome.message)
    servers.wait_served(stage.site)
    return target


def _begin(stage: Stage) -> Target:
    """Publish a version, and make a server that serves it."""
    stage.shape = SMALL
    stage.prepare()
    target = _published(stage)
    outcome = deploy(stage, target.version, wait_timeout=120).wait()
    if not outcome.success or not is_served(stage.site, target.version):
        raise SiteError(f"no server to begin with: {outcome.message[-600:]}")
    return target


def _struck(stage: Stage, run: Run) -> tuple[Outcome, str]:
    """Kill the controller half-way in every other trial; return what came of it."""
    if stage.number % 2:
        outcome = run.wait()
        said = "success" if outcome.success else outcome.message[-200:]
        return outcome, f"it said: {said}"
    seconds = stage.chance.uniform(2.0, 8.0)
    time.sleep(seconds)
    run.kill()
    return Outcome(False, "", {}), f"killed after {seconds:.1f} s"


def _finish(
    stage: Stage,
    trial: Trial,
    wanted: Target,
    began: float,
    good: Callable[[Site, int], bool] = is_served,
    **options: Any,
) -> Trial:
    last = deploy(stage, wanted.version, **{**options, "wait_timeout": 120}).wait()
    served = good(stage.site, wanted.version)
    trial.wrong_success += 1 if last.success and not served else 0
    trial.resumed = last.success and served
    if not last.success:
        trial.note += f"; last: {last.message[-300:]}"
    trial.seconds = time.monotonic() - began
    return trial


def _judged(stage: Stage, trial: Trial, gaps: list[str], targets: list[Target]) -> Trial:
    trial = stage.judge(trial, targets)
    trial.partial += gaps[:1]
    return trial


def deploy_bad(stage: Stage) -> Trial:
    """New pods cannot load what the old one serves: the old one stays."""
    began, site = time.monotonic(), stage.site
    target = _begin(stage)
    with damaged(site, target), looking(site, target.version) as looker:
        outcome, words = _struck(stage, deploy(stage, target.version, log_level="DEBUG"))
    trial = Trial(f"trial {stage.number}: new pods that do not serve, {words}")
    trial.wrong_success = int(outcome.success)
    trial.note = f"{looker.looks} looks"
    _finish(stage, trial, target, began, log_level="DEBUG")
    return _judged(stage, trial, looker.gaps, [target])


def deploy_version(stage: Stage) -> Trial:
    """A pinned version that does not load: the one before stays, or comes back by itself."""
    began, site = time.monotonic(), stage.site
    old = _begin(stage)
    new = _published(stage)
    with damaged(site, new), looking(site, old.version, new.version) as looker:
        outcome, words = _struck(stage, deploy(stage, new.version))
    trial = Trial(f"trial {stage.number}: a version that does not load, {words}")
    trial.wrong_success = int(outcome.success)
    trial.note = f"{looker.looks} looks"
    _finish(stage, trial, new, began)
    return _judged(stage, trial, looker.gaps, [old, new])


def _publish_other(site: Site, version: int) -> None:
    """Publish a version in the other directory at once, and tell the watcher of it."""
    with tempfile.TemporaryDirectory() as source:
        other = Target(version, Path(source), {}, OTHER)
        other.tree.mkdir(parents=True)
        make_other(other.tree)
        other.files = describe(other.tree)
        site.expect(other)
        stage = site.root / f"{OTHER}-{version}"
        shutil.copytree(other.tree, stage)
    (site.models / OTHER).mkdir(exist_ok=True)
    stage.rename(site.models / other.name)


def deploy_directory(stage: Stage) -> Trial:
    """The same number from another directory: OVMS reads it only in a new process."""
    began, site = time.monotonic(), stage.site
    target = _begin(stage)
    _publish_other(site, target.version)
    moved = {
        "models": [{"name": MODEL, "versions": [target.version], "directory": OTHER}],
        "wait_timeout": 60,  # new pods come up in that time
    }
    with looking(site, target.version) as looker:
        outcome, words = _struck(stage, deploy(stage, target.version, **moved))
        lied = outcome.success and not serves_other(site, target.version)
    trial = Trial(f"trial {stage.number}: another directory under the same number, {words}")
    trial.wrong_success = int(lied)
    trial.note = f"{looker.looks} looks"
    _finish(stage, trial, target, began, serves_other, **moved)
    return _judged(stage, trial, looker.gaps, [target])
