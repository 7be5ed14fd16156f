# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the helper pod tells of a source before anything is fetched, and trust on first use."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.files import Refused
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.pull import fetch, look
from web.webkit import FileServer, etag

from .conftest import NearUpload

LISTING = "sha256:" + "ab" * 32


class NearStore:
    """What gathering needs of the agent's store."""

    def __init__(self, work: Path) -> None:
        self.work = str(work)
        self.locked = True

    def check_owner(self) -> None:
        """Refuse without the lock."""
        if not self.locked:
            raise Refused(423, "not locked")


@pytest.mark.parametrize("tell", [True, False])
def test_sizes_are_asked_for_without_reading(
    files: FileServer, upload: NearUpload, tell: bool, tmp_path: Path
) -> None:
    """A server that gives no sizes to HEAD gives them with a range of one byte."""
    files.manners.tell_sizes = tell
    paths = ["/m/1/a.bin", "/m/1/c%20%C3%B6.bin"]
    body = {"sizes": [files.url + path for path in paths]}
    assert look.look(str(tmp_path), body)["sizes"] == [300_000, 70_000]
    assert files.sent <= 2


def test_sizes_that_cannot_be_had(files: FileServer, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="HTTP 404") as caught:
        look.look(str(tmp_path), {"sizes": [f"{files.url}/none"]})
    assert (caught.value.status, caught.value.body["source_status"]) == (502, 404)
    files.manners.files["/a"] = b"xyz"
    files.manners.tell_sizes = files.manners.ranges = False
    with pytest.raises(Refused, match="does not tell its size"):
        look.look(str(tmp_path), {"sizes": [f"{files.url}/a"]})


def test_passing_trouble_is_waited_out(files: FileServer, tmp_path: Path) -> None:
    files.manners.files["/a"] = b"xyz"
    files.manners.statuses = [503, 500]
    assert look.look(str(tmp_path), {"sizes": [f"{files.url}/a"]})["sizes"] == [3]


def gathering(files: FileServer) -> dict[str, Any]:
    contents = [(path, files.manners.files[path]) for path in ("/m/1/a.bin", "/m/1/b.txt")]
    items = [
        {
            "number": n,
            "url": files.url + path,
            "size": len(data),
            "key": path[1:],
            "etag": etag(data),
        }
        for n, (path, data) in enumerate(contents)
    ]
    listed = {"bucket_url": files.url, "prefix": "m/1/"}
    return {"digest": LISTING, "files": items, "list": listed, "via": {}}


def test_what_nobody_vouches_for_is_fetched_and_hashed_once(
    files: FileServer, upload: NearUpload, tmp_path: Path
) -> None:
    store = NearStore(tmp_path / ".edge")
    looked = look.look(store.work, {"known": [LISTING]})
    assert looked == {"known": {LISTING: None}}
    progress: dict[str, Any] = {}
    result = look.gather(store, gathering(files), progress)
    hashes = [hashlib.sha256(data).hexdigest() for data in upload.contents[:2]]
    assert result == {"hashes": hashes, "bytes": 300_000}
    assert look.look(store.work, {"known": [LISTING]}) == {"known": {LISTING: hashes}}
    again = look.gather(store, gathering(files), progress)
    assert again == {"hashes": hashes, "bytes": 0}


def test_gathering_goes_on_where_it_broke(
    files: FileServer, upload: NearUpload, tmp_path: Path
) -> None:
    store = NearStore(tmp_path / ".edge")
    files.manners.cut = [100_000] * 5
    files.manners.statuses = []
    first = look.gather(store, gathering(files), {})
    assert "hashes" in first
    assert files.sent <= 300_000 + 5 * fetch.BLOCK


def test_a_file_that_is_replaced_while_it_is_read_is_no_first_use(
    files: FileServer, upload: NearUpload, tmp_path: Path
) -> None:
    """Its beginning is of the old one, its end of the new one, and nothing vouches for either."""
    store, body = NearStore(tmp_path / ".edge"), gathering(files)
    held = Path(look.hold_directory(store.work, LISTING))
    held.mkdir(parents=True)
    (held / "hold-0").write_bytes(upload.contents[0][:100_000])
    files.manners.files["/m/1/a.bin"] = os.urandom(300_000)
    with pytest.raises(Refused, match=r"m/1/a\.bin was replaced in the bucket") as caught:
        look.gather(store, body, {})
    assert caught.value.status == 502
    assert not held.exists()
    assert look.look(store.work, {"known": [LISTING]}) == {"known": {LISTING: None}}
    assert "hashes" in look.gather(store, gathering(files), {})


def test_gathering_tells_what_did_not_come(
    files: FileServer, upload: NearUpload, tmp_path: Path
) -> None:
    body = gathering(files)
    del files.manners.files["/m/1/a.bin"]
    result = look.gather(NearStore(tmp_path / ".edge"), body, {})
    assert "HTTP 404" in result["files"]["0"]["error"]


def test_gathering_needs_the_lock_room_and_a_digest(
    files: FileServer, upload: NearUpload, tmp_path: Path
) -> None:
    store = NearStore(tmp_path / ".edge")
    body = gathering(files)
    body["files"][0]["size"] = 1 << 60
    with pytest.raises(Refused, match="are needed") as caught:
        look.gather(store, body, {})
    assert caught.value.status == 507
    with pytest.raises(Refused, match="bad digest"):
        look.gather(store, {**gathering(files), "digest": "../../x"}, {})
    store.locked = False
    with pytest.raises(Refused, match="not locked"):
        look.gather(store, gathering(files), {})
    assert files.paths() == []


def test_what_is_held_is_not_fetched_again(
    files: FileServer, upload: NearUpload, tmp_path: Path
) -> None:
    """Even of a cut file that is held only the rest comes over the net."""
    stage: Any = type("Stage", (), {"path": str(tmp_path / "staging" / "sha256-stage")})
    upload.stage = stage  # type: ignore[attr-defined]
    held = tmp_path / "staging" / LISTING.replace(":", "-")
    held.mkdir(parents=True)
    (held / "hold-0").write_bytes(upload.contents[0][:299_000])
    (held / "hold-7").write_bytes(upload.contents[2])
    items = [
        {"number": 0, "url": f"{files.url}/m/1/a.bin", "held": [LISTING, 0]},
        {"number": 2, "url": f"{files.url}/m/1/c%20%C3%B6.bin", "held": [LISTING, 7]},
    ]
    result = fetch.Fetcher(upload, {"files": items, "via": {}}, {}).run()
    assert result == {"files": {"0": {"done": True}, "2": {"done": True}}, "bytes": 1000}
    assert not held.exists()
    bad = {"number": 0, "url": "http://h", "held": ["../../etc", 0]}
    with pytest.raises(Refused, match="bad digest"):
        fetch.Fetcher(upload, {"files": [bad], "via": {}}, {}).run()


def test_only_so_many_listings_are_remembered(
    files: FileServer, upload: NearUpload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "KNOWN_LIMIT", 2)
    store = NearStore(tmp_path / ".edge")
    for number in range(5):
        digest = "sha256:" + f"{number:02x}" * 32
        look.gather(store, {**gathering(files), "digest": digest}, {})
        os.utime(look._known_path(store.work, digest), (number, number))
    assert len(os.listdir(Path(store.work) / "pulls")) == 3
