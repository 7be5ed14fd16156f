# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig means what kubectl says it means: generated shapes, both clients on each.

Same server, same decision about its certificate, same identity, same refusal. Where we differ on
purpose, the shape says why, the difference is asserted, and docs/kubeconfig.md lists it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kubectlkit import REFUSED, Stage, find_kubectl, stage
from shapes import Shape, shapes, write

ALL = shapes()
PAGE = Path(__file__).resolve().parents[3] / "docs" / "kubeconfig.md"


@pytest.fixture(scope="module")
def on_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("kubectl"), find_kubectl()) as made:
        yield made


@pytest.mark.parametrize("shape", ALL, ids=[shape.name for shape in ALL])
def test_same_as_kubectl(on_stage: Stage, shape: Shape, tmp_path: Path) -> None:
    paths = write(tmp_path, shape.make(on_stage, tmp_path))
    told = tmp_path / "told"
    theirs, their_words = on_stage.ask_kubectl(tmp_path, paths)
    theirs_told = told.read_text() if told.exists() else ""
    told.unlink(missing_ok=True)
    ours, our_words = on_stage.ask_ours(tmp_path, paths)
    ours_told = told.read_text() if told.exists() else ""
    words = f"kubectl: {their_words}\nours: {our_words}"
    if shape.differs:
        assert (theirs, their_words) != (ours, our_words), f"they agree: {words}"
    else:
        assert theirs == ours, words
        assert _normal(theirs_told) == _normal(ours_told)
    if ours == REFUSED:
        # A refusal has a reason, and is never a crash.
        assert our_words


def _normal(told: str) -> list[str]:
    """Return what a plugin was told, however often."""
    return sorted(set(told.splitlines()))


def test_differences_are_documented() -> None:
    page = PAGE.read_text()
    assert [shape.differs for shape in ALL if shape.differs and shape.differs not in page] == []


def test_there_are_enough() -> None:
    assert len(ALL) >= 60
