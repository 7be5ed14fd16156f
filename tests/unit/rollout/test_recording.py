# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What model_server writes about a release: once, before the first change, and then the verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ConflictError,
    EdgeError,
    ForbiddenError,
    GateError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.releases import Release
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.record import (
    record_name,
)
from ansible_collections.openvino.edge.plugins.module_utils.rollout import history
from ansible_collections.openvino.edge.plugins.module_utils.rollout.history import History
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import manifests
from ansible_collections.openvino.edge.plugins.module_utils.store import PvcStore

from .conftest import Site


def record_of(site: Site, number: int) -> dict[str, Any]:
    item = site.cluster.objects["ConfigMap", f"ocr-release-{number}"]
    found: dict[str, Any] = json.loads(item["data"]["release.json"])
    return found


def test_a_release_is_recorded_and_is_good_once_the_gate_has_passed(site: Site) -> None:
    result = site.deploy(1, release_run=" job 7 ")
    assert result["release"] == {"number": 1, "verdict": "good", "reason": "", "restores": None}
    record = record_of(site, 1)
    assert (record["run"], record["verdict"], record["image"]) == (
        "job 7",
        "good",
        "registry.example/ovms:1",
    )
    assert record["models"] == [{"name": "det", "served": "det", "versions": [1], "digests": {}}]


def test_a_run_that_finds_its_release_recorded_writes_nothing(site: Site) -> None:
    site.deploy(1)
    result = site.deploy(1)
    assert (result["changed"], result["release"]["number"]) == (False, 1)
    assert site.cluster.writes() == []
    # One list request is all that it costs.
    assert site.cluster.calls.count("list ConfigMap") == 2


def test_check_mode_and_a_history_of_none_write_no_record(site: Site) -> None:
    assert "release" not in site.deploy(1, check=True)
    assert site.deploy(1, release_history=0)["release"] is None
    assert site.verdicts() == {}


def test_a_server_that_nobody_recorded_is_recorded_by_a_run_that_changes_nothing(
    site: Site,
) -> None:
    site.deploy(1, release_history=0)
    result = site.deploy(1)
    assert (result["changed"], result["release"]["verdict"]) == (False, "good")


def test_the_record_is_there_before_the_first_object_changes(site: Site) -> None:
    site.deploy(1)
    seen: list[dict[int, str]] = []
    real = site.cluster.apply

    def apply(item: Any, **given: Any) -> Any:
        if not given.get("dry_run"):
            seen.append(site.verdicts())
        return real(item, **given)

    site.cluster.apply = apply  # type: ignore[method-assign]
    site.deploy(2)
    assert seen[0] == {1: "good", 2: "unknown"}
    assert site.verdicts() == {1: "good", 2: "good"}


def test_a_killed_run_leaves_a_release_that_nobody_takes_for_good(site: Site) -> None:
    site.deploy(1)

    def killed(item: Any, **given: Any) -> Any:
        if given.get("dry_run"):
            return real(item, **given)
        raise KeyboardInterrupt

    real = site.cluster.apply
    site.cluster.apply = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        site.deploy(2)
    site.cluster.apply = real  # type: ignore[method-assign]
    assert record_of(site, 2)["reason"] == "the run that made it has not ended"
    assert site.info()["last_good"] == 1
    # The same run again goes on with the same release.
    assert site.deploy(2)["release"] == {
        "number": 2,
        "verdict": "good",
        "reason": "",
        "restores": None,
    }


def test_a_refused_run_leaves_no_record(site: Site) -> None:
    site.deploy(1)
    with pytest.raises(InputError):
        site.deploy(2, pvc={"claim_name": "none"})
    assert site.verdicts() == {1: "good"}

    def refused(item: Any, **given: Any) -> Any:
        if given.get("dry_run"):
            return real(item, **given)
        raise ApiError("no", status=500)

    real = site.cluster.apply
    site.cluster.apply = refused  # type: ignore[method-assign]
    with pytest.raises(ApiError):
        site.deploy(2)
    assert site.verdicts() == {1: "good"}


def test_a_version_that_does_not_load_is_a_failed_release(site: Site) -> None:
    site.deploy(1)
    site.broken = {2}
    with pytest.raises(EdgeError) as caught:
        site.deploy(2)
    assert site.verdicts() == {1: "good", 2: "failed"}
    assert "det" in record_of(site, 2)["reason"]
    # The guard of model_server has put the old configuration back already.
    assert caught.value.details["undone"] == ["ConfigMap ocr-config"]


def test_a_first_install_that_fails_stays_for_inspection(site: Site) -> None:
    site.broken = {1}
    result = site.deploy(1)
    assert (result["changed"], result["release"]["verdict"]) == (True, "failed")
    assert "release 1 of edge/ocr is recorded as failed" in site.warnings[-1]
    site.broken = set()
    assert site.deploy(1)["release"]["verdict"] == "good"
    assert site.verdicts() == {1: "good"}


def test_a_first_install_that_fails_is_removed_on_request(site: Site) -> None:
    site.broken = {1}
    with pytest.raises(GateError, match="all of it was removed again.*keep leaves it") as caught:
        site.deploy(1, failed_install="remove")
    assert caught.value.details["removed"]
    kinds = {kind for kind, name in site.cluster.objects if name.startswith("ocr")}
    assert kinds - {"Pod"} == {"ConfigMap"}
    assert site.verdicts() == {1: "failed"}


def test_a_first_install_that_is_only_slow_stays(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*args: Any, **_: Any) -> Any:
        raise WaitError("not done within 300 s", details={"timed_out": True})

    monkeypatch.setattr(manifests, "wait_rollout", late)
    with pytest.raises(WaitError, match=r"not done within 300 s\.$"):
        site.deploy(1, failed_install="remove")
    assert ("Deployment", "ocr") in site.cluster.objects
    assert site.verdicts() == {1: "unknown"}

    def crashed(*args: Any, **_: Any) -> Any:
        raise WaitError("it crashes", details={"timed_out": False})

    monkeypatch.setattr(manifests, "wait_rollout", crashed)
    site.deploy(state="absent", pvc=None)
    with pytest.raises(WaitError, match="it crashes; it was the first install"):
        site.deploy(1, failed_install="remove")
    assert ("Deployment", "ocr") not in site.cluster.objects


def test_a_server_that_was_there_before_is_never_removed(site: Site) -> None:
    site.deploy(1)
    site.broken = {2}
    with pytest.raises(EdgeError):
        site.deploy(2, failed_install="remove")
    assert ("Deployment", "ocr") in site.cluster.objects


def test_nobody_waited_so_nobody_knows(site: Site) -> None:
    assert site.deploy(1, wait=False)["release"]["verdict"] == "unknown"
    assert site.deploy(1, wait=False)["release"]["verdict"] == "unknown"
    assert site.cluster.writes() == []
    assert site.deploy(1)["release"]["verdict"] == "good"


def test_only_so_many_records_stay(site: Site) -> None:
    for version in (1, 2, 3, 4):
        site.deploy(version, release_history=2)
    assert site.verdicts() == {3: "good", 4: "good"}
    site.broken = {1}
    with pytest.raises(EdgeError):
        site.deploy(1, release_history=2)
    # The newest has failed, so the way back is kept, and the record before it is not.
    assert site.verdicts() == {4: "good", 5: "failed"}


def test_the_way_back_stays_however_many_runs_fail_after_it(site: Site) -> None:
    site.deploy(1, release_history=2)
    site.broken = {2, 3, 4}
    for version in (2, 3, 4):
        with pytest.raises(EdgeError):
            site.deploy(version, release_history=2)
    assert site.verdicts() == {1: "good", 3: "failed", 4: "failed"}
    assert site.info()["last_good"] == 1


def test_the_records_go_with_the_server(site: Site) -> None:
    site.deploy(1)
    gone = {"kind": "ConfigMap", "name": "ocr-release-1", "action": "deleted"}
    assert gone in site.deploy(state="absent", pvc=None, check=True)["objects"]
    assert site.verdicts() == {1: "good"}
    assert gone in site.deploy(state="absent", pvc=None)["objects"]
    assert site.verdicts() == {}
    assert not site.deploy(state="absent", pvc=None)["changed"]


def test_a_record_that_cannot_be_written_is_a_warning(site: Site) -> None:
    real = site.cluster.create

    def create(item: Any, **given: Any) -> Any:
        if item["kind"] == "ConfigMap":
            raise ForbiddenError("quota")
        return real(item, **given)

    site.cluster.create = create  # type: ignore[assignment,method-assign]
    assert site.deploy(1)["release"] is None
    assert any("release of edge/ocr was not kept: quota" in text for text in site.warnings)


def test_the_digests_that_the_record_of_the_store_knows_are_in_it(site: Site) -> None:
    entry = {"form": 1, "identity": "a/b", "versions": {"det/1": "sha256:abc"}, "trust": {}}
    name = record_name(PvcStore("edge", "models"))
    site.cluster.add("ConfigMap", name, data={"volume": json.dumps(entry)})
    site.deploy(1)
    assert site.info()["releases"][0]["models"][0]["digests"] == {"1": "sha256:abc"}


def test_two_runs_that_take_the_same_number_both_keep_theirs(site: Site) -> None:
    book = History(site.cluster, "edge", "ocr")  # type: ignore[arg-type]
    calls: list[Any] = []
    real = site.cluster.create

    def create(item: Any, **given: Any) -> Any:
        if not calls:
            calls.append(item)
            other = History(site.cluster, "edge", "ocr")  # type: ignore[arg-type]
            assert other.add(Release(0, "ocr", "theirs")).number == 1
        return real(item, **given)

    site.cluster.create = create  # type: ignore[assignment,method-assign]
    assert book.add(Release(0, "ocr", "mine")).number == 2
    assert len(book.read()) == 2


def test_numbers_that_are_always_taken_are_an_error(site: Site) -> None:
    def create(item: Any, **given: Any) -> Any:
        raise ConflictError("exists", status=409, reason="AlreadyExists")

    site.cluster.create = create  # type: ignore[assignment,method-assign]
    with pytest.raises(ConflictError, match="20 other runs"):
        History(site.cluster, "edge", "ocr").add(Release(0, "ocr", "x"))  # type: ignore[arg-type]


def test_a_record_has_a_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LARGEST", 1024)
    assert site.deploy(1, annotations={"a": "x" * 2000})["release"] is None
    assert any("more than 1 KiB" in text for text in site.warnings)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"release_history": 1}, "release_history"),
        ({"release_history": -1}, "release_history"),
        ({"release_history": 101}, "release_history"),
        ({"release_run": "two\nlines"}, "release_run"),
        ({"release_run": "x" * 201}, "release_run"),
    ],
)
def test_bad_options_are_refused_by_name(site: Site, options: Any, option: str) -> None:
    with pytest.raises(InputError) as caught:
        site.deploy(1, **options)
    assert caught.value.option == option
    assert site.cluster.calls == []
