# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal on a hub: what is written, who holds the fleet, and a hub that is not there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    AuthError,
    ConflictError,
    EdgeError,
    InputError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal import keeper, records
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.base import Holder
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.hub import (
    KEPT,
    HubJournal,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.lease import (
    DURATION,
    Lease,
    leases,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.place import Place
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.select import open_journal
from ansible_collections.openvino.edge.plugins.module_utils.fleet.slices import Slice
from ansible_collections.openvino.edge.plugins.module_utils.fleet.states import (
    BEGUN,
    DONE,
    FAILED,
    Cluster,
)

from ..fakes.hub import Clock, Hub

HERE = Holder("here", 1, "10", "7")
THERE = Holder("there", 2, "20")
FLEET = "shops of the north / 7"


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Told:
    """A journal, and what it has told people."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self.hub, self.clock = hub, clock
        self.lines: list[str] = []
        self.kept: list[str] = []

    def by(self, holder: Holder, fleet: str = FLEET, part: "Slice | None" = None) -> HubJournal:
        client: Any = self.hub
        place = Place(client, "edge-rollouts", self.clock, self.clock.sleep)
        where = {"kubeconfig": "/etc/hub.yml"}
        return HubJournal(place, where, fleet, holder, part, self.lines.append, self.kept.append)

    def lease(self, holder: Holder) -> Lease:
        """Return the Lease of the fleet as a holder sees it."""
        client: Any = self.hub
        place = Place(client, "edge-rollouts", self.clock, self.clock.sleep)
        (lease,) = leases(place, FLEET, holder, None, self.lines.append)
        return lease


@pytest.fixture
def journals(hub: Hub, clock: Clock) -> Told:
    return Told(hub, clock)


def lease_of(hub: Hub) -> "dict[str, Any]":
    (lease,) = [item for (kind, _name), item in hub.objects.items() if kind == "Lease"]
    spec: "dict[str, Any]" = lease["spec"]
    return spec


def test_what_was_written_is_read_on_another_machine(journals: Told) -> None:
    first = journals.by(HERE)
    rollout = first.begin(FLEET, "plan")
    failed = Cluster("ö/ä b", 1, FAILED, "copy", 'the disk is "full" – ü', 3, "x")
    first.write(rollout.number, Cluster("ö/ä b", 1, BEGUN))
    first.write(rollout.number, failed)
    first.write(rollout.number, Cluster("a", 1, DONE, before=0))
    first.stop(rollout.number, "too many")
    second = journals.by(THERE)
    assert second.cluster(rollout.number, "ö/ä b") == failed
    assert second.cluster(rollout.number, "b") is None
    assert second.clusters(rollout.number) == [Cluster("a", 1, DONE, before=0), failed]
    last = second.last(FLEET)
    assert last is not None
    assert (last.number, last.fleet, last.plan, last.holder) == (1, FLEET, "plan", HERE)
    assert (last.stopped, last.ended) == ("too many", "")
    assert second.last("others") is None


def test_many_tasks_write_at_the_same_time(journals: Told) -> None:
    number = journals.by(HERE).begin(FLEET, "plan").number
    names = [f"c{place:03}" for place in range(200)]

    def write(name: str) -> None:
        journals.by(HERE).write(number, Cluster(name, 1, DONE))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, names))
    assert [item.name for item in journals.by(THERE).clusters(number)] == names
    assert len(journals.hub.objects) <= 2 + records.SHARDS


def test_the_largest_fleet_fits_into_its_shards() -> None:
    """A ConfigMap takes 1 MiB; the worst state of each cluster of 30,000 is written."""
    worst = "\N{GRINNING FACE}" * 300
    sizes: dict[str, int] = {}
    for place in range(30_000):
        name = f"{place:05}{'x' * 60}"
        if place < 300:
            data = records.state(Cluster(name, 12, FAILED, "inference", worst, 4711, "a" * 64))
            each = max(len(key) + len(text.encode()) for key, text in data.items())
        shard = records.shard_name(1, name)
        sizes[shard] = sizes.get(shard, 0) + each
    assert len(sizes) == records.SHARDS
    assert max(sizes.values()) < 1 << 20


def test_a_second_run_is_told_who_holds_the_fleet(journals: Told, clock: Clock) -> None:
    rollout = journals.by(HERE).begin(FLEET, "plan")
    alive = journals.lease(HERE)
    clock.meanwhile = lambda: None if alive.renew() else pytest.fail("it was taken")
    other = journals.by(THERE)
    with pytest.raises(ConflictError) as caught:
        other.refuse_held(rollout)
    text = str(caught.value)
    assert "process 1 on here (job 7) works on rollout 1 of it since" in text
    assert f"fleet {FLEET}" in text and caught.value.hint
    assert "process 1 on here (job 7) holds the fleet" in journals.lines[0]
    for attempt in (lambda: other.begin(FLEET, "plan"), lambda: other.take(rollout)):
        with pytest.raises(ConflictError, match="process 1 on here"):
            attempt()
    journals.by(THERE, "others").begin("others", "plan")


def test_a_dead_holder_is_watched_for_its_whole_lease_and_no_clock_is_asked(
    journals: Told, hub: Hub, clock: Clock
) -> None:
    rollout = journals.by(HERE).begin(FLEET, "plan")
    # A time of the holder's that lies in the future, or long ago, says nothing.
    lease_of(hub)["renewTime"] = "2099-01-01T00:00:00.000000Z"
    other = journals.by(THERE)
    other.refuse_held(rollout)
    assert clock.seconds == DURATION
    other.take(rollout)
    assert clock.seconds == DURATION, "it is not watched a second time"
    assert lease_of(hub)["holderIdentity"] == "there/2/20/"
    assert lease_of(hub)["leaseTransitions"] == 1
    last = other.last(FLEET)
    assert last is not None and last.holder == THERE
    assert journals.kept == [FLEET, FLEET]


def test_a_run_that_was_away_for_too_long_writes_nothing_any_more(journals: Told) -> None:
    first = journals.by(HERE)
    rollout = first.begin(FLEET, "plan")
    journals.by(THERE).take(rollout)
    attempts: list[Callable[[], None]] = [
        lambda: first.write(rollout.number, Cluster("a", 1, DONE)),
        lambda: first.stop(rollout.number, "x"),
        lambda: first.end(rollout.number, "done"),
    ]
    for attempt in attempts:
        with pytest.raises(ConflictError, match="process 2 on there has taken it over"):
            attempt()
    last = journals.by(THERE).last(FLEET)
    assert journals.by(THERE).clusters(rollout.number) == []
    assert last is not None and (last.stopped, last.ended) == ("", "")


def test_of_two_runs_that_take_the_same_lease_one_is_refused(
    journals: Told, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = journals.by(HERE).begin(FLEET, "plan")
    slow = journals.lease(THERE)
    seen = slow.wait()
    journals.by(Holder("third", 3, "30")).take(rollout)
    monkeypatch.setattr(slow, "wait", lambda: seen)
    with pytest.raises(ConflictError, match="faster"):
        slow.take()
    assert lease_of(hub)["holderIdentity"] == "third/3/30/"


def test_a_write_renews_the_lease_when_nobody_else_has(journals: Told, hub: Hub) -> None:
    journal = journals.by(HERE)
    number = journal.begin(FLEET, "plan").number
    begun = lease_of(hub)["renewTime"]
    journal.write(number, Cluster("a", 1, BEGUN))
    assert lease_of(hub)["renewTime"] == begun
    for old in ("2001-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z", "soon"):
        lease_of(hub)["renewTime"] = old
        journal.write(number, Cluster("a", 1, DONE))
        assert lease_of(hub)["renewTime"] > begun and lease_of(hub)["renewTime"] != old


def test_a_rollout_that_has_ended_leaves_the_fleet_at_once(journals: Told, clock: Clock) -> None:
    first = journals.by(HERE)
    first.end(first.begin(FLEET, "plan").number, "done")
    second = journals.by(THERE)
    last = second.last(FLEET)
    assert last is not None and last.ended and last.verdict == "done"
    assert second.begin(FLEET, "plan").number == 2
    assert clock.seconds == 0


def test_old_rollouts_go_with_their_clusters(journals: Told, hub: Hub) -> None:
    other = journals.by(HERE, "others")
    other.write(other.begin("others", "plan").number, Cluster("a", 1, DONE))
    journal = journals.by(HERE)
    for _time in range(KEPT + 2):
        number = journal.begin(FLEET, "plan").number
        journal.write(number, Cluster("a", 1, DONE))
        journal.end(number, "done")
    heads = [name for kind, name in hub.objects if name.count("-") == 2 and kind == "ConfigMap"]
    assert sorted(heads) == sorted(f"edge-rollout-{at}" for at in [1, *range(4, KEPT + 4)])
    assert journal.clusters(2) == [] and journal.clusters(1) and journal.clusters(4)


@pytest.mark.parametrize("what", ["lost", "unanswered"])
def test_a_hub_that_is_away_for_a_moment_costs_time_only(
    journals: Told, hub: Hub, clock: Clock, what: str
) -> None:
    journal = journals.by(HERE)
    setattr(hub, what, 2)
    number = journal.begin(FLEET, "plan").number
    assert number == 1
    for state in (BEGUN, DONE):
        setattr(hub, what, 3)
        journal.write(number, Cluster("a", 1, state))
    setattr(hub, what, 1)
    assert journal.clusters(number) == [Cluster("a", 1, DONE)]
    setattr(hub, what, 1)
    journal.end(number, "done")
    assert 0 < clock.seconds < 60


def test_a_hub_that_stays_away_is_an_error_that_names_it(journals: Told, hub: Hub) -> None:
    journal = journals.by(HERE)
    number = journal.begin(FLEET, "plan").number
    hub.broken = UnreachableError("no answer")
    with pytest.raises(UnreachableError) as caught:
        journal.write(number, Cluster("a", 1, DONE))
    assert journals.clock.seconds > 30
    assert caught.value.option == "journal" and "hub https://memory" in str(caught.value)
    hub.broken = None
    assert journal.clusters(number) == []


@pytest.mark.parametrize(
    "error", [UnreachableError("no route"), AuthError("expired"), ApiError("gone", status=500)]
)
def test_before_anything_is_begun_no_time_is_lost(
    journals: Told, hub: Hub, clock: Clock, error: EdgeError
) -> None:
    hub.broken = error
    with pytest.raises(type(error)) as caught:
        journals.by(HERE).last(FLEET)
    assert caught.value.option == "journal" and "hub" in str(caught.value.subject)
    assert clock.seconds == 0


def test_what_somebody_has_changed_by_hand_is_told(journals: Told, hub: Hub) -> None:
    journal = journals.by(HERE)
    number = journal.begin(FLEET, "plan").number
    journal.write(number, Cluster("a", 1, DONE))
    name = records.shard_name(number, "a")
    hub.objects["ConfigMap", name]["data"]["more"] = "[]"
    with pytest.raises(InputError, match=name):
        journal.clusters(number)
    del hub.objects["ConfigMap", records.head_name(number)]["data"]["plan"]
    with pytest.raises(InputError, match="edge-rollout-1"):
        journal.last(FLEET)


def test_a_path_is_no_name_of_a_fleet_of_many_machines(journals: Told) -> None:
    with pytest.raises(InputError) as caught:
        journals.by(HERE).last("/srv/fleet.yml")
    assert caught.value.option == "fleet" and "edge_fleet" in str(caught.value)


def test_the_address_opens_the_same_journal(tmp_path: Any) -> None:
    config = tmp_path / "hub.yml"
    cluster = {"name": "hub", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "hub", "context": {"cluster": "hub", "user": "me"}}
    user = {"name": "me", "user": {"token": "secret-of-the-hub"}}
    config.write_text(
        json.dumps(
            {
                "clusters": [cluster],
                "contexts": [context],
                "users": [user],
                "current-context": "hub",
            }
        )
    )
    first = open_journal({"kubeconfig": str(config)}, print, FLEET)
    address = first.address()
    assert address == {"kubeconfig": str(config), "namespace": "edge-rollouts", "fleet": FLEET}
    again = open_journal(address, print)
    assert again.address() == address
    assert isinstance(again, HubJournal) and again.holder.pid == os.getppid()


@pytest.mark.parametrize(
    ("where", "option", "words"),
    [
        (7, "journal", "neither a path nor a mapping"),
        ({"kubeconfig": "x", "namspace": "y"}, "journal", "namspace"),
        ({"api_key": "x"}, "journal", "EDGE_HUB_API_KEY"),
        ({"namespace": 5}, "journal.namespace", "has to be text"),
        ({"kubeconfig": "/nowhere/hub.yml"}, "journal.kubeconfig", "/nowhere/hub.yml"),
    ],
)
def test_a_journal_that_cannot_be_meant_is_refused(where: Any, option: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        open_journal(where, print)
    assert caught.value.option == option and words in str(caught.value)


def test_a_file_is_no_journal_for_slices() -> None:
    with pytest.raises(InputError, match="a file is on one machine"):
        open_journal("rollouts.sqlite", print, FLEET, Slice("42", 2, "k", 60))


def test_without_the_name_of_a_fleet_nothing_is_written(journals: Told, hub: Hub) -> None:
    with pytest.raises(InputError, match="rollout.journal"):
        journals.by(HERE, fleet="").write(1, Cluster("a", 1, DONE))
    assert hub.writes() == []


class Living(Holder):
    """A holder that lives for as long as a test says."""

    alive = True

    def lives(self) -> bool:
        return Living.alive


@pytest.fixture
def kept(journals: Told) -> "tuple[Place, list[Lease], Living]":
    Living.alive = True
    holder = Living("here", 1, "10")
    journal = journals.by(holder)
    journal.begin(FLEET, "plan")
    return journal.place, [journals.lease(holder)], holder


def test_the_lease_is_renewed_for_as_long_as_the_holder_lives(
    kept: "tuple[Place, list[Lease], Living]", hub: Hub, clock: Clock
) -> None:
    seen: list[str] = []

    def look() -> None:
        version = str(hub.objects["Lease", records.lease_name(FLEET)]["metadata"])
        if version not in seen:
            seen.append(version)
        hub.lost = 1 if clock.seconds == 40 else hub.lost
        Living.alive = clock.seconds < 100

    clock.meanwhile = look
    keeper.keep(*kept)
    assert len(seen) == 10
    assert "holderIdentity" not in lease_of(hub), "it is given back"


def test_the_keeper_ends_when_the_lease_is_another_ones(
    kept: "tuple[Place, list[Lease], Living]", hub: Hub, clock: Clock
) -> None:
    lease_of(hub)["holderIdentity"] = "there/2/20/"
    keeper.keep(*kept)
    assert clock.seconds == 10
    assert lease_of(hub)["holderIdentity"] == "there/2/20/"
