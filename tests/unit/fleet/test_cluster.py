# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The turn of a cluster: what is asked before it, and what the journal keeps over several runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    AuthError,
    EdgeError,
    ForbiddenError,
    InputError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.fleet import cluster
from ansible_collections.openvino.edge.plugins.module_utils.fleet.cluster import Answer
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.base import Holder
from ansible_collections.openvino.edge.plugins.module_utils.fleet.journal.local import FileJournal
from ansible_collections.openvino.edge.plugins.module_utils.fleet.states import (
    BEGUN,
    DEFERRED,
    DONE,
    FAILED,
    UNDONE,
    Cluster,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

HOLDER = Holder("elsewhere", 1, "1")


class Turns:
    """The turns of one cluster in one rollout, run after run."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = str(folder / "journal.sqlite")
        self.answer = Answer(before=3)
        self.number = FileJournal(self.path, HOLDER).begin("tests", "[]").number
        monkeypatch.setattr(cluster, "looked", lambda params: self.answer)

    def __call__(self, state: str, **given: Any) -> dict[str, Any]:
        params = {
            **{name: item.get("default") for name, item in cluster.ARGUMENT_SPEC.items()},
            "journal": self.path,
            "rollout": self.number,
            "cluster": "a",
            "wave": 1,
            "state": state,
            "namespace": "edge",
            "name": "ovms",
            "wanted": "digest",
            **given,
        }
        return cluster.run(params, Runtime())

    @property
    def known(self) -> Cluster:
        found = FileJournal(self.path, HOLDER).cluster(self.number, "a")
        assert found is not None
        return found

    def failed(self, module: str) -> Cluster:
        self(FAILED, failed_module=f"openvino.edge.{module}", reason="no answer")
        return self.known


@pytest.fixture
def turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Turns:
    return Turns(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("module", "touched"),
    [("preflight_info", False), ("model_repository", False), ("model_server", True)],
)
def test_where_it_fails_tells_whether_its_server_was_changed(
    turns: Turns, module: str, touched: bool
) -> None:
    turns(BEGUN)
    assert turns.failed(module).touched is touched


def test_a_server_that_a_killed_run_may_have_changed_is_not_forgotten(turns: Turns) -> None:
    """Killed after the deployment; in the next run the cluster is away before it comes to that."""
    turns(BEGUN)
    turns(BEGUN)
    found = turns.failed("preflight_info")
    assert (found.phase, found.touched, found.before) == ("preflight", True, 3)
    turns(BEGUN)
    assert turns.failed("model_repository").touched, "nor is it in the run after that"


def test_what_an_earlier_run_has_finished_is_not_forgotten_where_more_is_wanted(
    turns: Turns,
) -> None:
    turns(BEGUN)
    turns(DONE)
    assert turns(BEGUN)["turn"] == cluster.VERIFY
    turns(BEGUN, wanted="another digest")
    assert turns.failed("model_repository").touched


def test_it_is_not_forgotten_either_where_the_turn_does_not_even_begin(turns: Turns) -> None:
    turns(BEGUN)
    turns(DONE)
    with pytest.raises(InputError):
        turns(BEGUN, deadline="soon")
    found = turns.failed("rollout_cluster")
    assert (found.phase, found.touched) == ("begin", True)


def test_what_was_put_back_is_as_new(turns: Turns) -> None:
    turns(BEGUN)
    assert turns.failed("model_status").touched
    turns(UNDONE)
    assert turns.known.state == UNDONE and not turns.known.touched
    turns(BEGUN)
    assert not turns.failed("model_repository").touched


def test_a_site_that_says_not_now_in_between_changes_nothing_of_that(turns: Turns) -> None:
    turns(BEGUN)
    turns.answer = Answer(hold="on hold")
    assert turns(BEGUN)["state"] == DEFERRED and not turns.known.touched
    turns.answer = Answer(before=3)
    turns(BEGUN)
    assert turns.failed("model_repository").touched


def test_a_journal_of_an_earlier_release_is_gone_on_with(turns: Turns) -> None:
    turns(BEGUN)
    with sqlite3.connect(turns.path) as store:
        store.execute("ALTER TABLE clusters DROP COLUMN earlier")
        store.execute("PRAGMA user_version = 1")
    before = turns.known
    assert before == Cluster("a", 1, BEGUN, before=3, wanted="digest")
    turns(BEGUN)
    assert turns.known.earlier


class Client:
    """A cluster that answers each question with an error."""

    def __init__(self, error: EdgeError) -> None:
        self.error = error

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def get(self, *args: object) -> None:
        raise self.error


def asked(monkeypatch: pytest.MonkeyPatch, error: EdgeError) -> Answer:
    monkeypatch.setattr(KubeClient, "from_params", lambda params: Client(error))
    return cluster.asked({"namespace": "edge", "name": "ovms"})


@pytest.mark.parametrize("status", [200, 429, 500, 503])
def test_a_cluster_that_cannot_say_whether_it_is_on_hold_is_not_touched(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A moment later it may answer the next task, and nobody would know what to put back."""
    with pytest.raises(ApiError):
        asked(monkeypatch, ApiError("etcd has no leader", status=status))


@pytest.mark.parametrize(
    "error", [ForbiddenError("no right"), AuthError("401"), InputError("no such context")]
)
def test_what_the_checks_after_it_say_better_is_left_to_them(
    monkeypatch: pytest.MonkeyPatch, error: EdgeError
) -> None:
    assert asked(monkeypatch, error) == Answer()


def test_a_cluster_that_nobody_reaches_is_deferred_or_has_failed(
    monkeypatch: pytest.MonkeyPatch, turns: Turns
) -> None:
    """It may be on hold, and answer the next task; then nobody would know what to put back."""
    turns.answer = asked(monkeypatch, UnreachableError("it refuses connections"))
    with pytest.raises(UnreachableError, match="it refuses connections"):
        turns(BEGUN)
    assert turns.failed("rollout_cluster").phase == "begin"
    assert turns(BEGUN, defer_offline=True)["state"] == DEFERRED
    assert turns.known.reason == "offline: it refuses connections."
