# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the stand-in's tests."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from harness import write_ir  # noqa: E402
from ovms_standin import logs  # noqa: E402
from ovms_standin.knobs import Generation, Knobs  # noqa: E402
from ovms_standin.manager import ModelManager, Settings  # noqa: E402
from ovms_standin.metrics import Metrics  # noqa: E402


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the stand-in logs inside this process, from DEBUG up."""
    stream = io.StringIO()
    monkeypatch.setattr(logs._sink, "streams", [stream])
    monkeypatch.setattr(logs._sink, "threshold", logs.LEVELS["DEBUG"])
    return stream


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A model `m` with version 1."""
    write_ir(tmp_path / "m" / "1", 2.0)
    return tmp_path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Models a, b, c with version 1."""
    for name, factor in (("a", 2.0), ("b", 3.0), ("c", 4.0)):
        write_ir(tmp_path / name / "1", factor)
    return tmp_path


MakeManager = Callable[..., ModelManager]


@pytest.fixture
def make_manager(log: io.StringIO) -> Iterator[MakeManager]:
    """Makes managers whose polls only happen when a test calls `poll`."""
    made: list[ModelManager] = []

    def make(
        *,
        config: Path | None = None,
        model: dict[str, Any] | None = None,
        generation: Generation = Generation.KSERVE,
        metrics: Metrics | None = None,
        **knobs: Any,
    ) -> ModelManager:
        settings = Settings(
            config_path=str(config) if config else "",
            single_model=model or {},
            poll_seconds=0,
        )
        found = Knobs(generation=generation, **knobs)
        made.append(ModelManager(settings, found, metrics or Metrics()))
        return made[-1]

    yield make
    for manager in made:
        manager.stop()
