# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slices: jobs with different clusters that share one rollout, its waves and its budget."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ConflictError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet import end, gate, plan
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal import keeper
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.base import Holder
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.hub import HubJournal
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.lease import leases
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.place import Place
from ansible_collections.openvino.edge.plugins.module_utils.fleet.slices import (
    Share,
    Slice,
    parts_of,
    slice_of,
    whole,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.states import (
    BEGUN,
    DONE,
    FAILED,
    UNDONE,
    Cluster,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.waves import Wave
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

from ..fakes.hub import Clock, Hub

FLEET = "shops"
ODD, EVEN = ["a", "c", "e", "g"], ["b", "d", "f"]
WAVES = [{"name": "canary", "clusters": ["a"]}, {"name": "rest", "rest": True, "batch": 2}]
PATIENT = 10**9


class Hasty(Clock):
    """A clock of which a second takes a millisecond."""

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 1000)
        super().sleep(seconds)


class Job:
    """One job: the tasks that C(site.yml) has for it, over clusters that are none.

    Args:
        hub: where the journal is.
        clusters: of its inventory.
        how: the state that a cluster comes to, if it is not C(done).
        given: options of C(rollout_plan).
    """

    pids = itertools.count(1)

    def __init__(self, hub: Hub, clusters: "list[str]", **given: Any) -> None:
        self.hub, self.clusters, self.given = hub, clusters, given
        self.how: dict[str, str] = {}
        self.holder = Holder("machine", next(self.pids), "1")
        self.lines: list[str] = []
        self.met: list[str] = []
        self.gates: list[dict[str, Any]] = []

    def open(self, where: Any, tell: Any, fleet: str = "", part: Any = None) -> HubJournal:
        """Stand for C(open_journal)."""
        client: Any = self.hub
        clock = Hasty()
        if where.get("slice"):
            part = Slice(**where["slice"])
        place = Place(client, "edge-rollouts", clock, clock.sleep)
        fleet = fleet or where["fleet"]
        return HubJournal(place, {}, fleet, self.holder, part, tell, lambda fleet: None)

    def plan(self, *, check: bool = False) -> "dict[str, Any]":
        """Do what the first play does."""
        params = {
            "fleet": FLEET,
            "journal": {},
            "clusters": self.clusters,
            "groups": {"all": self.clusters, "odd": [*ODD]},
            "limited": True,
            "waves": WAVES,
            "max_failures": None,
            "max_fail_percentage": None,
            "max_deferred": None,
            "undo": "wave",
            "resume": True,
            "slices": 2,
            "rollout_id": "42",
            "slice_timeout": PATIENT,
            "sites": [],
            "max_per_site": 0,
            **self.given,
        }
        return plan.run(params, Runtime(check_mode=check, progress=self.lines.append))

    def turn(self, planned: "dict[str, Any]", batch: "list[str]") -> "dict[str, Any]":
        """Do what the second play does with a batch."""
        number = planned["rollout"]["run"]
        journal = self.open(planned["rollout"]["journal"], print)
        wave = next(item["wave"] for item in planned["batches"] if batch[0] in item["clusters"])
        for name in batch:
            self.met.append(name)
            journal.write(number, Cluster(name, wave, BEGUN, before=1))
            state = self.how.get(name, DONE)
            journal.write(number, Cluster(name, wave, state, "gate", "x", before=1))
        params = {"plan": planned, "present": batch, "not_well": {}, "outcomes": []}
        self.gates.append(gate.run(params, Runtime()))
        return self.gates[-1]

    def finish(self, planned: "dict[str, Any]", stopped: str, undo: Any) -> "dict[str, Any]":
        """Do what the last plays do."""
        number = planned["rollout"]["run"]
        journal = self.open(planned["rollout"]["journal"], print)
        for name in undo["clusters"]:
            known = journal.cluster(number, name)
            assert known is not None
            journal.write(number, Cluster(name, known.wave, UNDONE, known.phase, known.reason))
        return end.run({"plan": planned, "outcomes": [], "stopped": stopped}, Runtime())

    def run(self) -> "dict[str, Any]":
        """Do all that C(site.yml) does."""
        planned = self.plan()
        stopped, undo = planned["stopped"], planned["undo"]
        sizes = iter(planned["serial"])
        left = list(planned["to_do"])
        while left and not stopped:
            size = next(sizes)
            found = self.turn(planned, left[:size])
            left, stopped, undo = left[size:], found["reason"], found["undo"]
        return self.finish(planned, stopped, undo)


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each thread opens the journal of the job that runs in it."""
    for module in (plan, gate):
        monkeypatch.setattr(
            module, "open_journal", lambda *given: _jobs[threading.get_ident()].open(*given)
        )
    yield
    _jobs.clear()


_jobs: "dict[int, Job]" = {}


def inside(job: Job, do: Callable[[], Any]) -> Any:
    _jobs[threading.get_ident()] = job
    return do()


def together(*jobs: Job) -> "list[dict[str, Any]]":
    """Run jobs at the same time."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(lambda job: inside(job, job.run), jobs))


def head(hub: Hub) -> "dict[str, str]":
    data: "dict[str, str]" = hub.objects["ConfigMap", "edge-rollout-1"]["data"]
    return data


def test_slices_go_through_the_waves_of_all_clusters_together(hub: Hub) -> None:
    order: list[str] = []
    jobs = [Job(hub, ODD), Job(hub, EVEN)]
    plans: list[dict[str, Any]] = []
    for job in jobs:
        job.met = order
        job.finish = noted(plans, job.finish)  # type: ignore[method-assign]
    ended = together(*jobs)
    # The batches of all: a, then two at a time of those that are left, in the order of both.
    assert order[0] == "a"
    assert [set(order[1:3]), set(order[3:5]), set(order[5:])] == [
        {"b", "c"},
        {"d", "e"},
        {"f", "g"},
    ]
    assert [item["verdict"] for item in ended] == ["done", "done"]
    assert [item["counts"] for item in ended] == [{"done": 4}, {"done": 3}]
    assert head(hub)["verdict"] == "done" and "edge-rollout-2" not in str(hub.objects)
    told = {
        tuple(item["hosts"]): [
            [wave["number"] for wave in item[key]] for key in ("waves", "other_waves")
        ]
        for item in plans
    }
    assert told == {tuple(ODD): [[1, 2], []], tuple(EVEN): [[2], [1]]}
    assert [item.get("holderIdentity") for item in specs(hub)] == [None, None, None]


def noted(plans: "list[dict[str, Any]]", finish: Any) -> Any:
    """Return the end of a job that keeps its plan."""

    def end_of(planned: "dict[str, Any]", *given: Any) -> Any:
        plans.append(planned)
        return finish(planned, *given)

    return end_of


def specs(hub: Hub) -> "list[dict[str, Any]]":
    return [item["spec"] for (kind, _name), item in hub.objects.items() if kind == "Lease"]


def test_a_run_of_the_whole_fleet_waits_for_nobody(hub: Hub) -> None:
    job = Job(hub, ODD, slices=1, max_failures=1)
    job.how = {"c": FAILED}
    result = inside(job, job.run)
    assert job.met == ODD and result["counts"] == {"done": 3, "undone": 1}
    assert head(hub)["verdict"] == "done with failures" and len(specs(hub)) == 1
    again = Job(hub, ODD, slices=1)
    assert inside(again, again.plan)["rollout"]["run"] == 2


@pytest.mark.parametrize("slices", [1, 2])
def test_a_rollout_that_was_left_is_given_up(hub: Hub, slices: int) -> None:
    """By all slices, of which the first begins the new one and the others join it."""
    lost = Job(hub, ODD, waves=[1, {"rest": True}], slices=1)
    inside(lost, lost.plan)
    jobs = [Job(hub, names, slices=slices, resume=False) for names in (ODD, EVEN)[:slices]]
    refused = Job(hub, ODD, slices=slices)
    with pytest.raises(InputError, match="edge_resume=false"):
        inside(refused, refused.run)
    if slices == 1:
        jobs[0].clusters = [*ODD, *EVEN]
    assert {item["verdict"] for item in together(*jobs)} == {"done"}
    assert head(hub)["verdict"] == "given up"
    assert hub.objects["ConfigMap", "edge-rollout-2"]["data"]["verdict"] == "done"
    assert "edge-rollout-3" not in str(hub.objects)


def test_a_failed_canary_of_one_slice_stops_the_other_before_it_begins(hub: Hub) -> None:
    odd, even = Job(hub, ODD), Job(hub, EVEN)
    odd.how = {"a": FAILED}
    first, second = together(odd, even)
    assert (odd.met, even.met) == (["a"], [])
    reason = "1 cluster of wave 'canary' failed, and 0 may (max_failures of the wave)"
    assert first["reason"] == second["reason"] == reason
    assert first["counts"] == {"done": 0, "undone": 1, "pending": 3}
    assert set(second["bad"]) == set(EVEN) and reason in second["bad"]["b"]
    assert head(hub)["verdict"] == "stopped" and head(hub)["stopped"] == reason


def test_the_budget_is_one_and_each_slice_puts_back_its_own(hub: Hub) -> None:
    odd = Job(hub, ODD, max_failures=1, undo="all")
    even = Job(hub, EVEN, max_failures=1, undo="all")
    odd.how, even.how = {"c": FAILED}, {"b": FAILED}
    first, second = together(odd, even)
    assert (odd.met, even.met) == (["a", "c"], ["b"])
    assert first["reason"] == second["reason"]
    assert "2 clusters of the fleet failed, and 1 may" in first["reason"]
    assert odd.gates[-1]["undo"]["clusters"] == ["c", "a"]
    assert even.gates[-1]["undo"]["clusters"] == ["b"]


def test_a_slice_that_dies_stops_the_others_and_goes_on_later(hub: Hub) -> None:
    odd, even = Job(hub, ODD, slice_timeout=60), Job(hub, EVEN, slice_timeout=60)
    even.turn = lambda planned, batch: exit()  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(inside, odd, odd.run)
        lost = pool.submit(inside, even, even.run)
        assert isinstance(lost.exception(), SystemExit)
        reason = "nothing was heard of the slice of b and 2 more clusters for 60 s"
        assert first.result()["reason"] == reason
    assert odd.met == ["a", "c"]
    assert "ended" not in head(hub) and head(hub)["stopped"] == reason
    again = Job(hub, EVEN, slice_timeout=60)
    result = inside(again, again.run)
    assert again.met == [] and result["verdict"] == "stopped"
    assert head(hub)["ended"] and head(hub)["verdict"] == "stopped"


def test_a_slice_that_is_started_again_in_time_goes_on(hub: Hub) -> None:
    odd, even, again = Job(hub, ODD), Job(hub, EVEN), Job(hub, EVEN)
    even.turn = lambda planned, batch: exit()  # type: ignore[method-assign]
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(inside, odd, odd.run)
        assert isinstance(pool.submit(inside, even, even.run).exception(), SystemExit)
        second = pool.submit(inside, again, again.run)
        assert first.result()["verdict"] == second.result()["verdict"] == "done"
    assert again.met == EVEN and head(hub)["verdict"] == "done"


def test_a_slice_that_does_not_come_is_told_before_anything_is_begun(hub: Hub) -> None:
    odd = Job(hub, ODD, slice_timeout=60)
    with pytest.raises(WaitError) as caught:
        inside(odd, odd.run)
    assert "fleet shops: 1 of 2 slices have come" in str(caught.value)
    assert caught.value.option == "slices"
    assert odd.lines == ["1 of 2 slices are there; waiting for the others"] and odd.met == []
    # Both of them, later, go on with it.
    assert [item["verdict"] for item in together(Job(hub, ODD), Job(hub, EVEN))] == ["done"] * 2
    assert head(hub)["verdict"] == "done"


@pytest.mark.parametrize(
    ("second", "given", "option"),
    [(["b", "c"], {}, "clusters"), (["b"], {"waves": [{"clusters": ["nobody"]}]}, "waves")],
)
def test_slices_that_do_not_fit_are_all_told_and_nothing_is_left(
    hub: Hub, second: "list[str]", given: "dict[str, Any]", option: str
) -> None:
    jobs = [Job(hub, ["a", "c"], **given), Job(hub, second, **given)]
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(inside, job, job.run) for job in jobs]
        errors = [run.exception() for run in runs]
    for error in errors:
        assert isinstance(error, InputError) and option in str(error.option)
    assert head(hub)["verdict"] == "refused" and head(hub)["ended"]


def test_a_run_of_the_whole_fleet_is_told_of_slices_that_live(hub: Hub) -> None:
    odd = Job(hub, ODD, slice_timeout=60)
    with pytest.raises(WaitError):
        inside(odd, odd.run)
    client: Any = hub
    clock = Clock()
    place = Place(client, "edge-rollouts", clock, clock.sleep)
    part = Slice("42", 2, "k", 60)
    shared = leases(place, FLEET, odd.holder, part, print)[0]
    clock.meanwhile = lambda: None if shared.renew() else pytest.fail("it was taken")
    journal = HubJournal(place, {}, FLEET, Holder("other", 1, "1"), None, print, print)
    last = journal.last(FLEET)
    assert last is not None
    with pytest.raises(ConflictError, match="'rollout 42' works on rollout 1 of it"):
        journal.refuse_held(last)


def test_jobs_of_a_new_workflow_take_a_dead_rollout_over(hub: Hub) -> None:
    lost = Job(hub, ODD, slice_timeout=30)
    with pytest.raises(WaitError):
        inside(lost, lost.run)
    ended = together(Job(hub, ODD, rollout_id="43"), Job(hub, EVEN, rollout_id="43"))
    assert [item["verdict"] for item in ended] == ["done", "done"]
    assert head(hub)["verdict"] == "done" and head(hub)["plan"].endswith(" 43")
    assert "edge-rollout-2" not in str(hub.objects)


def test_check_mode_writes_nothing_and_waits_for_nobody(hub: Hub) -> None:
    odd = Job(hub, ODD)
    planned = inside(odd, lambda: odd.plan(check=True))
    assert planned["rollout"]["run"] == 0 and planned["hosts"] == ODD
    assert hub.writes() == []


def test_slices_that_take_their_lease_at_the_same_moment_both_have_it(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Any = hub
    place = Place(client, "edge-rollouts")
    first, second = (
        leases(place, FLEET, Holder("m", pid, "1"), Slice("42", 2, str(pid), 60), print)[0]
        for pid in (1, 2)
    )
    monkeypatch.setattr(second, "wait", lambda: None)
    first.take()
    second.take()
    assert first.renew() and second.renew()


def test_a_wave_without_any_cluster_is_in_nobodys_way(hub: Hub) -> None:
    """As it may be when the slices are a part of the fleet (--limit)."""
    waves = [{"clusters": ["a"]}, {"clusters": ["nobody"]}, {"rest": True}]
    ended = together(Job(hub, ODD, waves=waves), Job(hub, EVEN, waves=waves))
    assert [item["verdict"] for item in ended] == ["done", "done"]


def test_the_keeper_gives_back_the_lease_of_its_own_slice_only(hub: Hub) -> None:
    class Dead(Holder):
        def lives(self) -> bool:
            return False

    client: Any = hub
    clock = Clock()
    place = Place(client, "edge-rollouts", clock, clock.sleep)
    held = leases(place, FLEET, Dead("m", 1, "1"), Slice("42", 2, "k", 60), print)
    for lease in held:
        lease.take()
    keeper.keep(place, held, Dead("m", 1, "1"))
    assert [item.get("holderIdentity") for item in specs(hub)] == ["rollout 42", None]


def test_the_parts_of_a_slice_wait_for_batches_in_which_it_has_nothing() -> None:
    waves = [Wave(1, "one", ("a",)), Wave(2, "two", ("b", "c", "d"), batch=1), Wave(3, "x", ("e",))]
    batches = [batch for wave in waves for batch in wave.batches()]
    first, parts = parts_of(batches, ["c", "e"])
    assert (first.until, first.judged) == (2, 2)
    assert [(part.batch.clusters, part.until, part.judged) for part in parts] == [
        (("c",), 4, 2),
        (("e",), 5, 3),
    ]
    first, parts = parts_of(batches, ["a", "b", "c", "d", "e"])
    assert (first.until, [part.until for part in parts]) == (0, [1, 2, 3, 4, 5])
    assert [part.judged for part in parts] == [1, 2, 2, 2, 3]


def test_the_order_of_all_is_that_of_the_inventory_which_awx_has_dealt_out() -> None:
    shares = [Share("2", ("b", "e"), {"g": ["b"]}), Share("1", ("a", "d", "f"), {"g": ["f"]})]
    shares.append(Share("3", ("c",), {"h": []}))
    assert whole(shares, 3) == (["a", "b", "c", "d", "e", "f"], {"g": ["f", "b"], "h": []})
    with pytest.raises(InputError, match="3 slices have come"):
        whole(shares, 2)


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"slices": 0}, "slices"),
        ({"waves": []}, "slices"),
        ({"rollout_id": " "}, "rollout_id"),
        ({"slice_timeout": 5}, "slice_timeout"),
    ],
)
def test_slices_that_cannot_be_meant_are_refused(given: "dict[str, Any]", option: str) -> None:
    params = {
        "slices": 2,
        "waves": [1],
        "rollout_id": "42",
        "slice_timeout": 60,
        "sites": [],
        "max_per_site": 0,
        "clusters": ["a"],
        **given,
    }
    with pytest.raises(InputError) as caught:
        slice_of(params)
    assert caught.value.option == option and caught.value.hint
    assert slice_of({**params, "slices": 1}) is None
