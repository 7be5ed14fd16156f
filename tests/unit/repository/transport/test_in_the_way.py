# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands where a version belongs is told before anything is sent, by either transport."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.store import Store
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan import names
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.steps import Step
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (
    Channel,
)

from ..conftest import write_files
from ..near import NearClient, channel_of
from ..test_entry import Near, connect, published, run

USER = ("setpriv", "--reuid=5000", "--regid=5000", "--clear-groups")
DENIED = "user 5000 may not write there"


@pytest.fixture
def near(tmp_path: Path, monkeypatch: Any) -> Any:
    made = Near(tmp_path / "nodes")
    made.add("n1")
    connect(made, monkeypatch)
    yield made
    made.end()


@pytest.fixture
def shared() -> Iterator[Path]:
    """A store of root that every user may reach, with one model of theirs and one of ours."""
    folder = Path(tempfile.mkdtemp(prefix="edge-way-"))
    root = write_files(folder / "store", {"models/theirs/1/a.onnx": b"x"})
    (root / "models/ours").mkdir()
    os.chown(root / "models/ours", 5000, 5000)
    (folder / "run").mkdir()
    for path in (folder, root, folder / "run"):
        path.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def _kinds(channel: Channel) -> dict[str, str]:
    return {path: why.split()[-1] for path, why in channel.inventory().blocked}


@pytest.mark.parametrize("transport", ["agent", "exec"])
def test_what_is_no_directory_is_told(transport: str, tmp_path: Path, make_agent: Any) -> None:
    root, folder = tmp_path / "store", tmp_path / "run"
    folder.mkdir()
    port = make_agent(root).port if transport == "agent" else 0
    write_files(root, {"models/file": b"", "models/m/1": b"1", "models/m/notes": b""})
    (root / "models/link").symlink_to(tmp_path)
    (root / "models/m/2").symlink_to("/")
    found = _kinds(channel_of(transport, NearClient(root, folder, port)))
    assert found == {
        "models/file": "file",
        "models/link": "link",
        "models/m/1": "file",
        "models/m/2": "link",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("transport", ["agent", "exec"])
def test_where_the_helper_may_not_write_is_told(transport: str, shared: Path) -> None:
    root = shared / "store"
    if transport == "exec":
        channel = channel_of("exec", NearClient(root, shared / "run", prefix=USER))
        found = dict(channel.inventory().blocked)
    else:
        found = _as_user(root)
    assert found == {"models": DENIED, "models/theirs": DENIED, "models/ours": ""}


def _as_user(root: Path) -> dict[str, str]:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(5000)
            os.setuid(5000)
            blocked = Store(str(root), 5000, 5000, False).inventory()["blocked"]
            os.write(write, json.dumps(blocked).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    found = dict(json.loads(os.read(read, 65536)))
    os.close(read)
    return found


@pytest.mark.parametrize(
    ("blocked", "action", "said"),
    [
        ({"models": "it is a link"}, "publish", "models on the store: it is a link"),
        ({"models": DENIED}, "publish", f"models on the store: {DENIED}"),
        ({"models": DENIED, "models/m": ""}, "publish", ""),
        ({"models": DENIED, "models/m": DENIED}, "publish", f"models/m on the store: {DENIED}"),
        ({"models": "it is a link", "models/m": ""}, "publish", "models on the store"),
        ({"models/m": DENIED}, "remove", f"models/m on the store: {DENIED}"),
        ({"models/m": DENIED}, "keep", ""),
        ({"models/m/1": "it is a file"}, "publish", "models/m/1 on the store: it is a file"),
        ({"models/m/2": "it is a file", "models/n": DENIED}, "publish", ""),
    ],
)
def test_what_matters_to_a_step(blocked: dict[str, str], action: str, said: str) -> None:
    steps = [Step(action, "m", 1, "", 1, 1)]
    if not said:
        names.check_places("pvc ns/claim", blocked, steps)
        return
    with pytest.raises(InputError) as caught:
        names.check_places("pvc ns/claim", blocked, steps)
    assert caught.value.message.startswith(said)
    assert caught.value.option == ("uid" if DENIED in said else "src")
    assert caught.value.hint


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("place", ["models", "models/det", "models/det/3"])
def test_nothing_is_sent_where_a_version_has_no_place(
    near: Near, source: Path, place: str, check_mode: bool
) -> None:
    path = near.folder / "n1" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(near.folder)
    with pytest.raises(InputError, match=f"{place} on the store: it is a link"):
        run(entry, check_mode=check_mode, src=str(source))
    assert not (near.folder / "n1/.edge/staging").exists()
    path.unlink()
    assert run(entry, src=str(source))["changed"]
    assert "det/3/det.onnx" in published(near, "n1")
