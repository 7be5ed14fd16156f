# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels that are sent along: read, handed to the program, imported there."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    InputError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.loadtest import job, local, wheels
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.options import Pod
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.worker.packages import place_of

# What the program imports of the package, and nothing else.
CLIENT = """
class Item:
    name, datatype, shape = "x", "FP32", [1, 4]
class Answer:
    inputs = outputs = [Item]
class InferenceServerClient:
    def __init__(self, address, **_more): pass
    def get_model_metadata(self, *_name, **_more): return Answer
    def close(self): pass
"""
PLAN = {
    "task": "describe",
    "client": "grpc",
    "addresses": [["127.0.0.1", 1]],
    "host": "127.0.0.1:1",
    "server_name": "",
    "model": "m",
    "version": "",
    "timeout": 5,
    "inputs": [],
}


def wheel(folder: Path, name: str, members: dict[str, str]) -> bytes:
    """Write a wheel with these files."""
    path = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return path.read_bytes()


def test_the_wheels_of_a_directory_are_imported_by_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = wheel(tmp_path, "other", {"other.py": ""})
    package = {"tritonclient/__init__.py": "", "tritonclient/grpc.py": CLIENT}
    second = wheel(tmp_path, "tritonclient", package)
    (tmp_path / "README").write_text("not a wheel")
    found = wheels.read_wheels(str(tmp_path), "grpc")
    assert found == (first, second)
    # As a Python that has no packages at all.
    run = subprocess.run

    def bare(command: list[str], **more: object) -> subprocess.CompletedProcess[bytes]:
        return run([command[0], "-I", "-S", *command[1:]], **more)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "run", bare)
    plan = {**PLAN, "wheels": [len(item) for item in found]}
    described = local.run(plan, b"".join(found), 60)
    assert json.dumps(described["inputs"]) == '[{"name": "x", "datatype": "FP32", "shape": [1, 4]}]'
    # As the package itself says it, if one of its own needs is missing.
    words = (
        "try:\n    import nowhere\nexcept ImportError as error:\n    raise RuntimeError('no grpc')"
    )
    lacking = wheel(tmp_path, "tritonclient", {"tritonclient/__init__.py": words})
    with pytest.raises(UnsupportedError, match="no grpc"):
        local.run({**plan, "wheels": [len(lacking)]}, lacking, 60)
    with pytest.raises(UnsupportedError) as caught:
        local.run({**plan, "wheels": [len(first)]}, first, 60)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"missing in Python {version}" in str(caught.value)
    assert "wheels that fit this Python" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("grpc/__init__.py", "grpc/__init__.py"),
        ("a-1.dist-info/RECORD", "a-1.dist-info/RECORD"),
        ("a-1.data/purelib/a/b.py", "a/b.py"),
        ("a-1.data/platlib/a/c.so", "a/c.so"),
        ("a-1.data/scripts/tool", None),
        ("a-1.data/purelib/", None),
    ],
)
def test_where_a_file_of_a_wheel_belongs(name: str, place: str | None) -> None:
    assert place_of(name) == place


def test_what_cannot_be_sent_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wheels.read_wheels(None, "rest") == ()

    def refused(folder: Path, client: str = "grpc") -> InputError:
        with pytest.raises(InputError) as caught:
            wheels.read_wheels(str(folder), client)
        assert caught.value.option == "wheels"
        return caught.value

    assert "only gRPC" in str(refused(tmp_path, "rest"))
    assert "cannot be read: No such file" in str(refused(tmp_path / "nowhere"))
    assert "no wheel of tritonclient" in str(refused(tmp_path))
    assert "pip download that makes one" in (refused(tmp_path).hint or "")
    broken = tmp_path / "tritonclient-2-py3-none-any.whl"
    broken.write_bytes(b"<html>")
    assert "it is no wheel" in str(refused(tmp_path))
    broken.unlink()
    wheel(tmp_path, "tritonclient", {"tritonclient/__init__.py": "#" * 100})
    monkeypatch.setattr(wheels, "MOST_BYTES", 100)
    assert "more than 100" in str(refused(tmp_path))


def test_a_pod_has_room_for_wheels_only_if_there_are_some() -> None:
    pod = Pod("python:3", "Always", (), (), 60.0)

    def volumes(given: bool) -> list[str]:
        made = job.render_job("id", "edge", pod, 1, 700, None, wheels=given)
        spec = made["spec"]["template"]["spec"]
        mounts = [item["name"] for item in spec["containers"][0]["volumeMounts"]]
        assert mounts == [item["name"] for item in spec["volumes"]]
        return mounts

    assert volumes(False) == ["program"]
    assert volumes(True) == ["program", "packages"]
