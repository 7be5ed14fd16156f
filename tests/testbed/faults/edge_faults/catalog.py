# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults: what happens in one trial of each. ``FAULTS`` at the end is the list."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from odd import Ways

from edge_faults import clocks, deploys, stores, strikes
from edge_faults.candidates import Ours, Run
from edge_faults.models import Shape
from edge_faults.netlab import AGENT_PORT, ControllerNet, cut_rules, flip_rules
from edge_faults.sites import Site, Target
from edge_faults.strikes import reach
from edge_faults.trials import Stage, finish, interrupted, offset_of, success_fault
from edge_faults.verdict import Trial

THIN = "40mbit"
FRESH = Shape()
DELTA = Shape(extra=4, changed=0.3)
MANY = Shape(weights=2, extra=0, small=40)
SMALL = Shape(weights=0.4, extra=0.2)


@dataclass(frozen=True)
class Fault:
    """One fault.

    Args:
        name: in the closing line.
        trial: does one trial.
        full: trials of a full run.
        quick: of a quick one; 0: it is left out there.
        peers: trials of each peer; 0 with C(why_not) where a peer cannot meet the fault.
        quick_peers: the same of a quick run.
        shared: several sites may be at it at the same time.
        disk: MiB of a file system of the site's own.
        inodes: of that file system.
        everywhere: a directory on every node instead of a claim.
        store: faults with the same word use one site after the other.
        ways: a file system of the tests instead of a disk.
        rolling: a volume for several pods at once, as a rollout without a gap needs.
    """

    name: str
    trial: Callable[[Stage], Trial]
    full: int
    quick: int
    peers: int = 0
    quick_peers: int = 0
    why_not: str = ""
    shared: bool = True
    disk: int | None = None
    inodes: int | None = None
    everywhere: bool = False
    store: str = ""
    ways: Ways | None = None
    rolling: bool = False

    @property
    def own_store(self) -> bool:
        """Whether it needs a site of its own."""
        return bool(self.disk or self.everywhere or self.ways or self.rolling)


# -- the controller ---------------------------------------------------------------------------


def _kill(run: Run) -> int:
    flying = run.site.net.in_flight()
    run.kill()
    return flying


def sigkill(stage: Stage) -> Trial:
    """SIGKILL of everything on the controller at a random byte; each tenth run is a whole play."""
    if stage.candidate.ours:
        stage.shape = DELTA if stage.number % 5 == 4 else FRESH
        if isinstance(stage.candidate, Ours) and stage.number % 10 == 9:
            stage.candidate = replace(stage.candidate, play=True)
    offset, spot = offset_of(stage)
    return interrupted(stage, offset, f"SIGKILL {spot}", _kill)


def sigkill_exec(stage: Stage) -> Trial:
    """The same with the exec transport."""
    if isinstance(stage.candidate, Ours):
        stage.candidate = replace(stage.candidate, transport="exec")
    offset, spot = offset_of(stage)
    return interrupted(stage, offset, f"SIGKILL {spot}", _kill)


def clock_skew(stage: Stage) -> Trial:
    """A killed run whose traces on the store, or whose next controller, have a wrong clock."""
    skew = stage.chance.choice((-400 * 86400, -3600, 60, 3600, 400 * 86400))
    offset, spot = offset_of(stage, 0.3, 0.95)
    if stage.number % 2:
        stage.candidate = clocks.skewed(stage.candidate, stage.site.maker.folder, skew)
        return interrupted(stage, offset, f"controller's clock {skew:+d} s, SIGKILL {spot}", _kill)

    def strike(run: Run) -> int:
        flying = _kill(run)
        strikes.shift_times(run.site, skew)
        return flying

    return interrupted(stage, offset, f"node's clock {skew:+d} s, SIGKILL {spot}", strike)


# -- the link ---------------------------------------------------------------------------------


def _cut(stage: Stage, mode: str) -> Trial:
    site, candidate = stage.site, stage.candidate
    offset, spot = offset_of(stage, 0.02)
    heal = stage.chance.choice((0.5, 2.0, 6.0))
    undisturbed = stage.undisturbed()
    stage.prepare()
    target = site.new_target(stage.shape)
    words = f"trial {stage.number}: {mode} {spot}, healed after {heal:g} s"
    trial = Trial(words, undisturbed=undisturbed)
    with site.net.rules(*cut_rules(site.net.address, mode, offset)) as rules:
        began, start = time.monotonic(), site.net.sent()
        run = candidate.start(site, target)
        # The quota cuts at the byte; asking for its counter is only to know when.
        reach(run, start, int(offset * 0.97))
        while not run.ended() and not rules.hits():
            time.sleep(0.02)
        trial.in_flight = site.net.in_flight()
        if not run.ended():
            time.sleep(heal)
    return finish(stage, trial, run, target, start, began)


def cut_drop(stage: Stage) -> Trial:
    """From a random byte on, for a while, every packet of the controller is lost."""
    return _cut(stage, "drop")


def cut_reset(stage: Stage) -> Trial:
    """From a random byte on, for a while, the controller gets a reset for every packet."""
    return _cut(stage, "reset")


def slow_link(stage: Stage) -> Trial:
    """200 ms and 2 % loss: a whole copy, or one that is killed and copied again."""
    stage.shape = SMALL
    offset, spot = offset_of(stage, 0.1, 0.9)
    fast, slow = stage.site.net, ControllerNet(stage.site.cluster, stage.site.net.number + 20)
    slow.up_slow(0.1, 0.02, stage.number)
    stage.site.net = slow
    try:
        if stage.number % 2:
            return interrupted(stage, offset, f"slow link, SIGKILL {spot}", _kill)
        return interrupted(stage, 1 << 60, "slow link", _kill)
    finally:
        stage.site.net = fast
        slow.down()


def _flip(stage: Stage, match: str, hook: str, where: str) -> Trial:
    site = stage.site
    offset, spot = offset_of(stage, 0.2, 0.8)
    bit = 8 * stage.chance.randrange(200, 1100)

    def strike(run: Run) -> int:
        with site.net.rules(*flip_rules(match, hook, bit)) as rules:
            while not run.ended() and not rules.hits():
                time.sleep(0.01)
            hit[0] = rules.hits()
            return site.net.in_flight()

    hit = [0]
    trial = interrupted(stage, offset, f"a byte flipped {where} {spot}", strike)
    trial.note = f"{hit[0]} packets changed, {trial.note}"
    trial.missed = not hit[0]
    return trial


def flip_plain(stage: Stage) -> Trial:
    """A byte of the plain HTTP between the API server and the helper pod."""
    match = f"ip daddr {stage.site.node.pods} tcp dport {AGENT_PORT}"
    return _flip(stage, match, "output", "behind the API server")


def flip_tls(stage: Stage) -> Trial:
    """A byte of the TLS stream between controller and API server."""
    match = f"ip saddr {stage.site.net.address} tcp dport 6443"
    return _flip(stage, match, "input", "in front of the API server")


@contextmanager
def thin(net: ControllerNet) -> Iterator[None]:
    """A thinner link, for faults that take a while to fall: the copy must not be over by then."""
    net.shape(THIN)
    try:
        yield
    finally:
        net.shape(net.rate)


# -- the cluster ------------------------------------------------------------------------------


def api_server(stage: Stage) -> Trial:
    """The API server is killed and started again."""
    offset, spot = offset_of(stage)
    pause = stage.chance.uniform(0.2, 3.0)

    def strike(run: Run) -> int:
        flying = run.site.net.in_flight()
        strikes.restart_api_server(run.site.cluster, pause)
        return flying

    with thin(stage.site.net):
        return interrupted(stage, offset, f"API server restarted {spot}", strike)


def _without_pods(stage: Stage, how: str) -> Trial:
    offset, spot = offset_of(stage, 0.05)
    ours = stage.candidate.ours

    def strike(run: Run) -> int:
        names = strikes.target_pods(run.site, ours)
        flying = run.site.net.in_flight()
        strikes.delete_pods(run.site, names, how)
        return flying

    with thin(stage.site.net):
        return interrupted(stage, offset, f"pod taken away ({how}) {spot}", strike)


def pod_deleted(stage: Stage) -> Trial:
    """The helper pod is deleted, with and without its grace period."""
    return _without_pods(stage, ("delete", "force")[stage.number % 2])


def pod_evicted(stage: Stage) -> Trial:
    """The helper pod is evicted."""
    return _without_pods(stage, "evict")


def runtime(stage: Stage) -> Trial:
    """The node's containerd and all shims are killed, containerd is started again."""
    offset, spot = offset_of(stage)
    pause = stage.chance.uniform(0.5, 3.0)
    ours = stage.candidate.ours

    def strike(run: Run) -> int:
        flying = run.site.net.in_flight()
        strikes.restart_runtime(run.site.cluster, run.site.node, pause)
        if not ours:
            run.site.kube("delete", "pod", "receiver", "--ignore-not-found", "--wait=true")
        return flying

    with thin(stage.site.net):
        trial = interrupted(stage, offset, f"runtime killed {spot}", strike)
    stage.site.revive()
    return trial


# -- the disk ---------------------------------------------------------------------------------


def _full(stage: Stage, what: str) -> Trial:
    offset, spot = offset_of(stage, 0.15, 0.8)
    full = strikes.full_disk if what == "space" else strikes.no_inodes
    said: list[str] = []

    def strike(run: Run) -> int:
        flying = run.site.net.in_flight()
        with full(run.site):
            # The run meets the fault some moments later, when more may be on its way.
            while not run.ended():
                flying = max(flying, run.site.net.in_flight())
                time.sleep(0.01)
            outcome = run.wait()
            said.append("success" if outcome.success else outcome.message[-200:])
        return flying

    trial = interrupted(stage, offset, f"no {what} left {spot}", strike)
    trial.note += f"; it said: {said[0] if said else 'nothing'}"
    return trial


def disk_full(stage: Stage) -> Trial:
    """All space is taken in the middle of the copy."""
    return _full(stage, "space")


def no_inodes(stage: Stage) -> Trial:
    """All inodes are taken in the middle of the copy."""
    stage.shape = MANY
    return _full(stage, "inodes")


def flip_stage(stage: Stage) -> Trial:
    """A byte of what a killed run left in the stage is flipped."""
    offset, spot = offset_of(stage, 0.3, 0.95)
    where: list[str] = []

    def strike(run: Run) -> int:
        flying = _kill(run)
        time.sleep(0.5)  # what is in flight arrives before the byte is flipped
        for path in strikes.staged_files(run.site)[:1]:
            where.append(f"{path.name} byte {strikes.flip_byte(path, stage.chance)}")
        return flying

    trial = interrupted(stage, offset, f"SIGKILL {spot}, a byte of the stage flipped", strike)
    trial.note = f"{where[0] if where else 'nothing staged'}, {trial.note}"
    return trial


def flip_published(stage: Stage) -> Trial:
    """A byte of a published version is flipped: the audit must find it, C(repair) must mend it."""
    site, candidate = stage.site, stage.candidate
    began = time.monotonic()
    stage.undisturbed()
    stage.prepare()
    target = site.new_target(stage.shape)
    trial = Trial(f"trial {stage.number}: a byte of a published version flipped")
    outcome = candidate.copy(site, target)
    name = stage.chance.choice(("model.bin", "extra/table.dat"))
    if outcome.success:
        strikes.flip_byte(site.models / target.name / name, stage.chance)
    if isinstance(candidate, Ours):
        found = candidate.audit(site)
        finds = found.success and not found.result.get("sound", True)
        outcome = candidate.copy(site, target, repair=True)
    else:
        finds = True  # a peer has no audit; its next copy sends everything again
        outcome = candidate.copy(site, target)
    trial.wrong_success = success_fault(site, target, outcome)
    trial.resumed = outcome.success and finds and not site.fault(target)
    trial.note = f"{name}, audit {'found' if finds else 'missed'} it, {outcome.message[-300:]}"
    trial.seconds = time.monotonic() - began
    return stage.judge(trial, [target])


# -- two controllers --------------------------------------------------------------------------


def two_controllers(stage: Stage) -> Trial:
    """Two controllers copy at once: the same bytes, other bytes of the same version, others."""
    kind = ("the same bytes", "other bytes of one version", "two versions")[stage.number % 3]
    site, candidate = stage.site, stage.candidate
    stage.undisturbed()
    stage.prepare()
    mine = site.new_target(stage.shape)
    theirs = _rival(site, mine, stage, kind)
    lag = stage.chance.choice((0.0, 0.3, 1.0))
    trial = Trial(f"trial {stage.number}: {kind}, {lag:g} s apart")
    began = time.monotonic()
    with second_net(site) as other:
        runs = [candidate.start(site, mine)]
        time.sleep(lag)
        runs.append(candidate.start(other, theirs))
        outcomes = [run.wait() for run in runs]
    sides = ((mine, outcomes[0]), (theirs, outcomes[1]))
    trial.wrong_success = sum(success_fault(site, target, said) for target, said in sides)
    told = [said.message[-160:] for _target, said in sides if not said.success]
    for target, said in sides:
        rival_won = kind.startswith("other") and any(item.success for item in outcomes)
        if not said.success and not rival_won:
            stage.ready()
            again = candidate.copy(site, target)
            trial.wrong_success += success_fault(site, target, again)
    wanted = [mine] if mine.name == theirs.name else [mine, theirs]
    trial.resumed = all(
        not site.fault(target) or (target is mine and not site.fault(theirs)) for target in wanted
    )
    trial.note = "; ".join(told) or "both succeeded"
    trial.seconds = time.monotonic() - began
    kept = theirs if mine.name == theirs.name and not site.fault(theirs) else mine
    return stage.judge(trial, [kept] if mine.name == theirs.name else [mine, theirs])


def _rival(site: Site, mine: Target, stage: Stage, kind: str) -> Target:
    if kind.startswith("the same"):
        return mine
    if kind.startswith("two"):
        return site.new_target(stage.shape)
    return site.new_form(mine, stage.shape)


class second_net:
    """The same site seen from another controller machine."""

    def __init__(self, site: Site) -> None:
        self.site = replace(site, net=ControllerNet(site.cluster, site.net.number + 10))

    def __enter__(self) -> Site:
        self.site.net.up()
        return self.site

    def __exit__(self, *_exc: object) -> None:
        self.site.net.down()


NO_PLAIN = "cannot: its bytes are in TLS up to the node"
NO_STATE = "cannot: it leaves no state with a time"
NO_STATE_AT_ALL = "cannot: it leaves nothing of its own on the store"
NOT_TRIED = "not tried"
NO_SERVER = "cannot: it knows no servers"
NO_STAGE = "cannot: it has no stage"
FAULTS = (
    Fault("sigkill", sigkill, 200, 3, peers=10, quick_peers=1),
    Fault("sigkill-exec", sigkill_exec, 10, 1, why_not="a transport of ours"),
    Fault(
        "sigkill-nodes", sigkill, 10, 1, why_not="knows no directories on nodes", everywhere=True
    ),
    Fault("cut-drop", cut_drop, 25, 1, peers=5),
    Fault("cut-reset", cut_reset, 25, 1, peers=5),
    Fault("api-server", api_server, 6, 1, peers=2, shared=False),
    Fault("pod-deleted", pod_deleted, 6, 1, peers=2),
    Fault("pod-evicted", pod_evicted, 6, 1, peers=2),
    Fault("runtime", runtime, 4, 1, peers=2, shared=False),
    Fault("disk-full", disk_full, 4, 1, peers=2, disk=112),
    Fault("no-inodes", no_inodes, 4, 1, peers=2, disk=112, inodes=400),
    Fault("flip-plain", flip_plain, 6, 1, why_not=NO_PLAIN),
    Fault("flip-tls", flip_tls, 6, 1, peers=2),
    Fault("flip-stage", flip_stage, 6, 1, why_not=NO_STAGE),
    Fault("flip-published", flip_published, 4, 1, peers=2),
    Fault("store-stale", stores.stale, 4, 0, why_not=NOT_TRIED, store="fuse", ways=stores.GOOD),
    Fault("store-quota", stores.quota, 4, 0, why_not=NOT_TRIED, store="fuse", ways=stores.GOOD),
    Fault("store-late", stores.late, 4, 0, why_not=NOT_TRIED, store="fuse", ways=stores.GOOD),
    Fault("store-share", stores.share, 6, 0, why_not=NOT_TRIED, ways=stores.SHARE),
    Fault("odd-edge", stores.odd_edge, 12, 1, why_not=NO_STATE_AT_ALL),
    Fault("deploy-bad", deploys.deploy_bad, 4, 0, why_not=NO_SERVER, store="rwx", rolling=True),
    Fault(
        "deploy-version", deploys.deploy_version, 4, 0, why_not=NO_SERVER, store="rwx", rolling=True
    ),
    Fault(
        *("deploy-directory", deploys.deploy_directory, 4, 0),
        why_not=NO_SERVER,
        store="rwx",
        rolling=True,
    ),
    Fault("clock-skew", clock_skew, 8, 1, why_not=NO_STATE),
    Fault("slow-link", slow_link, 4, 1, peers=2),
    Fault("two-controllers", two_controllers, 9, 1, peers=3),
)
