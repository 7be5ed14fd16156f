# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the entry points of the repository modules as a module would."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry, info
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

Run = Callable[..., dict[str, Any]]


def _validated(module: Any, args: dict[str, Any]) -> dict[str, Any]:
    checked = ArgumentSpecValidator(dict(module.ARGUMENT_SPEC), **module.SPEC_RULES).validate(args)
    assert not checked.error_messages, checked.error_messages
    parameters: dict[str, Any] = checked.validated_parameters
    return parameters


@pytest.fixture
def images(agent_image: str, server_image: str) -> dict[str, str]:
    return {"agent_image": agent_image, "exec_image": server_image}


@pytest.fixture
def copy(images: dict[str, str]) -> Run:
    """``copy(cluster, check_mode=False, **options)`` runs model_repository."""

    def run(cluster: Any, *, runtime: Runtime | None = None, **options: Any) -> dict[str, Any]:
        params = _validated(entry, {**cluster.auth, **images, **options})
        return entry.run(params, runtime or Runtime(diff=True))

    return run


@pytest.fixture
def listing(images: dict[str, str]) -> Run:
    """``listing(cluster, **options)`` runs model_repository_info."""

    def run(cluster: Any, **options: Any) -> dict[str, Any]:
        return info.run(_validated(info, {**cluster.auth, **images, **options}), Runtime())

    return run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small sound repository of two models."""
    root = tmp_path / "src"
    files = {
        "ocr/1/model.xml": b"<net/>",
        "ocr/1/model.bin": os.urandom(2_500_000),
        "ocr/1/labels/a b ö.txt": b"one two",
        "det/3/det.onnx": os.urandom(100_000),
        "det/3/empty.txt": b"",
    }
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


ABOVE = "/var/lib/openvino-edge"


@pytest.fixture
def node_directory(factory: Any, make_namespace: Any) -> Iterator[Callable[..., str]]:
    """``node_directory(node, make=True)`` -> path of a fresh directory; removed afterwards."""
    namespace = make_namespace(factory, "privileged")
    made: list[tuple[str, str]] = []

    def shell(node: str, line: str) -> str:
        volume = {"hostPath": {"path": ABOVE}}
        with factory.visitor(namespace, volume, node=node, uid=0, read_only=False) as visitor:
            return str(visitor.sh(f"cd /store; {line}"))

    def directory(node: str, *, make: bool = True) -> str:
        name = f"edge-test-{uuid.uuid4().hex[:8]}"
        made.append((node, name))
        if make:
            assert shell(node, f"mkdir {name} && echo made").strip() == "made"
        return f"{ABOVE}/{name}"

    yield directory
    for node, name in made:
        assert shell(node, f"rm -rf {name}; ls -d {name} 2>/dev/null") == ""
