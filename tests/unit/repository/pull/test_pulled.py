# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task finds out of a source by way of its helpers, and who fetches what."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, TransferError
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    FileEntry,
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import (
    Inventory,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.limit import Limiter
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.pulled import (
    Pulled,
    PullSender,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.sharing import Sharing
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.work import (
    Incoming,
    Work,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.pull import (
    pull_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.selection import (
    selection_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.origins import (
    DONE,
    PEER,
    SENT,
    TWIN,
    Origin,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.steps import Step
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (
    Have,
    Target,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.choose import (
    EmptyChannel,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore

from ..test_entry import Near, connect, run

STORE = HostPathStore("ns", "/srv")
XML, BIN = b"<net/>", b"weights"
FILES = {"ocr/1/model.xml": XML, "ocr/1/model.bin": BIN}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class NearWay:
    """A channel that answers from what the test set."""

    transport, peers, deltas = "agent", True, True

    def __init__(self, name: str, net: dict[str, NearWay]) -> None:
        self.name, self.net = name, net
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self.outcome: dict[int, str] = {}
        self.fetched: list[str] = []
        self.there = Inventory()
        net[name] = self

    def call(self, command: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a command by its first field."""
        self.calls.append((command, body))
        answer = self.answers.get(command) or self.answers.get(next(iter(body), ""), {})
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def inventory(self) -> Inventory:
        """Return what is published."""
        return self.there

    def content(self, digest: str, number: int) -> tuple[str, dict[str, str]]:
        """Return where a file is."""
        return f"http://{self.name}/{digest}/{number}", {"X-Edge-Peer": "secret"}

    def fetch(self, manifest: Manifest, files: Any, via: Any, advance: Any) -> dict[int, str]:
        """Fetch what is asked for, or say what the test set."""
        self.fetched += [item["url"] for item in files]
        return {item["number"]: self.outcome.get(item["number"], "done") for item in files}


def works(count: int) -> list[Work]:
    net: dict[str, NearWay] = {}
    return [
        Work(Target(STORE, f"n{n}"), channel=NearWay(f"n{n}", net))  # type: ignore[arg-type]
        for n in range(count)
    ]


def way(work: Work) -> NearWay:
    return cast(NearWay, work.channel)


def pulled(tmp_path: Path, guard: Any = None, **pull: Any) -> Pulled:
    if "manifest" in pull:
        path = tmp_path / "SHA256SUMS"
        path.write_text("".join(f"{sha(data)}  {name}\n" for name, data in FILES.items()))
        pull["manifest"] = str(path)
    params = {"pull": {"url": "http://web/m", **pull}, "signature": {} if guard is None else {1: 1}}
    options = pull_from_params(params)
    assert options is not None
    return Pulled(options, (), guard)


WANTED = Manifest(
    "ocr", 1, tuple(FileEntry(name[6:], len(data), sha(data)) for name, data in FILES.items())
)


def test_sizes_that_nobody_knows_are_asked_of_the_source(tmp_path: Path) -> None:
    source, (work, *_rest) = pulled(tmp_path, manifest=""), works(2)
    way(work).answers = {"sizes": {"sizes": [len(XML), len(BIN)]}}
    names = list(source.found[0].files)
    way(work).answers["sizes"]["sizes"] = [len(FILES[f"ocr/1/{name}"]) for name in names]
    source.resolve([work], Runtime(), lambda work: None)
    assert source.manifests == [WANTED]
    ((command, body),) = way(work).calls
    assert command == "look"
    assert body["sizes"] == [f"http://web/m/ocr/1/{name}" for name in names]


def test_a_signed_set_is_a_manifest(tmp_path: Path) -> None:
    class Signed:
        bundle = str(tmp_path / "model.sig")
        release_path = str(tmp_path / "edge-release.json")

        def versions(self) -> list[tuple[str, int]]:
            return [("ocr", 1)]

        def files(self, model: str, version: int) -> dict[str, str]:
            return {name[6:]: sha(data) for name, data in FILES.items()}

    class Guard:
        signed = Signed()
        checked: list[Any] = []

        def check_files(self, *given: Any) -> None:
            self.checked.append(given)

    guard = Guard()
    source, (work,) = pulled(tmp_path, guard), works(1)
    names = list(source.found[0].files)
    sizes = [len(FILES[f"ocr/1/{name}"]) for name in names]
    way(work).answers = {"sizes": {"sizes": sizes}}
    (tmp_path / "edge-release.json").write_bytes(b"{}")
    source.resolve([work], Runtime(), lambda work: None)
    assert guard.checked == [([WANTED], (), b"{}")]


def bucket(tmp_path: Path) -> Pulled:
    options = pull_from_params({"pull": {"url": "s3://b/p"}})
    assert options is not None
    return Pulled(options, ())


ENTRIES = [[f"p/{name}", len(data), f"etag-{name}"] for name, data in sorted(FILES.items())]
HASHES = [sha(FILES[f"ocr/1/{name}"]) for name in ("model.bin", "model.xml")]


def test_a_bucket_is_read_once_under_the_lock(tmp_path: Path) -> None:
    source, (work,) = bucket(tmp_path), works(1)
    locked: list[Work] = []
    way(work).answers = {
        "list": {"entries": ENTRIES},
        "known": {"known": {}},
        "gather": {"hashes": HASHES, "bytes": 13},
    }
    source.resolve([work], Runtime(), locked.append)
    assert source.manifests == [WANTED]
    assert locked == [work]
    assert [command for command, _body in way(work).calls][-2:] == ["gather", "unlock"]
    assert work.counts.pulled == 13
    incoming = Incoming(Step("publish", "ocr", 1, "", 2, 13, WANTED), WANTED, [])
    origins = [Origin(n, entry, SENT) for n, entry in enumerate(WANTED.files)]
    held = source.items(work, incoming, origins)
    assert [item["held"][1] for item in held] == [0, 1]
    assert all("held" not in item for item in source.items(works(1)[0], incoming, origins))


def test_what_is_read_is_compared_with_the_listing(tmp_path: Path) -> None:
    source, (work,) = bucket(tmp_path), works(1)
    way(work).answers = {
        "list": {"entries": ENTRIES},
        "known": {"known": {}},
        "gather": {"hashes": HASHES, "bytes": 13},
    }
    source.resolve([work], Runtime(), lambda work: None)
    (body,) = [body for command, body in way(work).calls if command == "gather"]
    assert body["list"]["prefix"] == "p/ocr/1/"
    told = [[item["key"], item["size"], item["etag"]] for item in body["files"]]
    assert told == ENTRIES


def test_a_model_with_a_slash_in_its_name_is_asked_for_where_it_is(tmp_path: Path) -> None:
    lines = [f"{sha(data)}  ORG/{name}\n" for name, data in FILES.items()]
    (tmp_path / "SHA256SUMS").write_text("".join(lines))
    pull = {"url": "http://web/m", "manifest": str(tmp_path / "SHA256SUMS")}
    options = pull_from_params({"pull": pull})
    assert options is not None
    source, (work,) = Pulled(options, selection_from_params([{"name": "ORG/ocr"}])), works(1)
    way(work).answers = {"sizes": {"sizes": [len(data) for _name, data in sorted(FILES.items())]}}
    source.resolve([work], Runtime(), lambda work: None)
    ((_command, body),) = way(work).calls
    assert sorted(body["sizes"]) == [f"http://web/m/ORG/{name}" for name in sorted(FILES)]
    assert [(item.model, item.version) for item in source.manifests] == [("ORG--ocr", 1)]


def test_a_known_listing_is_not_read_again(tmp_path: Path) -> None:
    source, (first, second) = bucket(tmp_path), works(2)
    way(first).answers = {"list": {"entries": ENTRIES}, "known": {"known": {}}}
    digest: list[str] = []

    def known(command: str, body: dict[str, Any]) -> dict[str, Any]:
        digest.extend(body["known"])
        return {"known": {body["known"][0]: HASHES}}

    way(second).call = known  # type: ignore[method-assign]
    source.resolve([first, second], Runtime(), lambda work: pytest.fail("locked"))
    assert source.manifests == [WANTED] and digest


def test_check_mode_reads_nothing_but_foretells_what_is_new(tmp_path: Path) -> None:
    source, (work,) = bucket(tmp_path), works(1)
    way(work).answers = {"list": {"entries": ENTRIES}, "known": {"known": {}}}
    source.resolve([work], Runtime(check_mode=True), lambda work: pytest.fail("locked"))
    assert [(item.model, item.version, item.size) for item in source.manifests] == [("ocr", 1, 13)]


def test_check_mode_says_changed_where_nobody_can_look_into_the_bucket_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no store, so a run would publish whatever the bucket has."""
    near = Near(tmp_path / "nodes")
    near.targets = lambda *args, **kwargs: [Target(STORE, "n1")]  # type: ignore[method-assign]
    near.open = EmptyChannel  # type: ignore[method-assign]
    connect(near, monkeypatch)
    told: list[str] = []
    result = run(entry, check_mode=True, warnings=told, pull={"url": "s3://b/p"})
    assert result["changed"] and any("is not known before it is read" in text for text in told)


def test_an_empty_bucket_and_a_refusal_are_named(tmp_path: Path) -> None:
    source, (work,) = bucket(tmp_path), works(1)
    way(work).answers = {"list": {"entries": []}}
    with pytest.raises(InputError, match="nothing") as caught:
        source.resolve([work], Runtime(), lambda work: None)
    assert caught.value.option == "pull.url"
    refusal = TransferError("http://web/b: HTTP 403 (AccessDenied)", details={"status": 502})
    way(work).answers = {"list": refusal}
    with pytest.raises(TransferError, match="AccessDenied") as refused:
        source.resolve([work], Runtime(), lambda work: None)
    assert refused.value.option == "pull"


def arrival(work: Work, kinds: str = SENT, have: int = 0) -> Incoming:
    origins = [Origin(n, entry, kinds, have) for n, entry in enumerate(WANTED.files)]
    item = Incoming(Step("publish", "ocr", 1, WANTED.digest, 2, 13, WANTED), WANTED, origins)
    work.incoming = [item]
    return item


def kinds_of(work: Work) -> list[str]:
    return [origin.kind for item in work.incoming for origin in item.origins]


def test_one_target_is_sent_to_and_the_others_fetch(tmp_path: Path) -> None:
    fleet = works(3)
    said: list[str] = []
    for work in fleet:
        arrival(work)
    sharing = Sharing(True, 4, said.append)
    sharing.arrange(fleet)
    assert [kinds_of(work) for work in fleet] == [[SENT] * 2, [PEER] * 2, [PEER] * 2]
    assert sharing.spread(fleet) == []
    assert all(url.startswith("http://n") for work in fleet[1:] for url in way(work).fetched)
    assert [work.counts.from_peers for work in fleet] == [0, 13, 13]
    assert said == []


def test_twins_are_fetched_too_and_not_sent(tmp_path: Path) -> None:
    fleet = works(2)
    arrival(fleet[0])
    arrival(fleet[1], TWIN)
    Sharing(True, 4, pytest.fail).arrange(fleet)
    assert kinds_of(fleet[1]) == [PEER] * 2


def test_what_is_done_in_a_stage_is_given(tmp_path: Path) -> None:
    fleet = works(2)
    arrival(fleet[0])
    arrival(fleet[1], DONE)
    Sharing(True, 4, pytest.fail).arrange(fleet)
    assert kinds_of(fleet[0]) == [PEER] * 2


@pytest.mark.parametrize("enabled", [True, False])
def test_without_peers_or_with_one_target_all_is_sent(enabled: bool, tmp_path: Path) -> None:
    fleet = works(1 if enabled else 2)
    for work in fleet:
        arrival(work)
    sharing = Sharing(enabled, 4, pytest.fail)
    sharing.arrange(fleet)
    assert {kind for work in fleet for kind in kinds_of(work)} == {SENT}
    assert sharing.spread(fleet) == []


def test_what_cannot_be_fetched_is_sent_with_a_warning(tmp_path: Path) -> None:
    fleet = works(2)
    said: list[str] = []
    for work in fleet:
        arrival(work)
    way(fleet[1]).outcome = {0: "no route to host"}
    sharing = Sharing(True, 4, said.append)
    sharing.arrange(fleet)
    assert sharing.spread(fleet) == [fleet[1]]
    assert sorted(kinds_of(fleet[1])) == sorted([SENT, PEER])
    assert "no route to host" in said[0] and "n1" in said[0]


def sender_for(source: Pulled) -> PullSender:
    sender = PullSender(
        source.sources, compress=True, limiter=Limiter(), streams=1, stopped=lambda: False
    )
    sender.pulled = source
    return sender


def test_a_pull_counts_what_came_over_the_net(tmp_path: Path) -> None:
    source, (work,) = pulled(tmp_path, manifest=""), works(1)
    item = arrival(work)
    bad = sender_for(source)._round(work, item, item.origins, {0: Have(False, 3)})
    assert bad == []
    assert work.counts.pulled == 13 - 3 and work.counts.sent == 0
    assert way(work).fetched == ["http://web/m/ocr/1/model.bin", "http://web/m/ocr/1/model.xml"]


@pytest.mark.parametrize(
    ("said", "words"), [("bad", "not those expected"), ("HTTP 404", "HTTP 404")]
)
def test_a_pull_that_fails_names_the_file_or_the_reason(
    said: str, words: str, tmp_path: Path
) -> None:
    source, (work,) = pulled(tmp_path, manifest=""), works(1)
    way(work).outcome = {1: said}
    item = arrival(work)
    with pytest.raises(TransferError, match=words):
        sender_for(source)._round(work, item, item.origins, {})
