# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipelines and MediaPipe graphs, as far as their states go: nothing of them is executed.

Sources: src/dags/pipelinedefinitionstatus.cpp, src/mediapipe_internal/mediapipegraphdefinition.cpp.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from ovms_standin.instance import ErrorCode, State, VersionStatus
from ovms_standin.logs import MANAGER
from ovms_standin.status import (
    GRAPH_FILE_INVALID,
    MEDIAPIPE_NOT_LOADED_YET,
    MEDIAPIPE_RETIRED,
    MODEL_NAME_MISSING,
    OK,
    PIPELINE_NOT_LOADED_YET,
    PIPELINE_RETIRED,
    Status,
    StatusError,
)

PSEUDO_VERSION = 1  # SingleVersionServableDefinition
GRAPH_FILE = "graph.pbtxt"
_GRAPH = "mediapipegraphdefinition.cpp"
SUBCONFIG_FILE = "subconfig.json"


class DefinitionState(Enum):
    """PipelineDefinitionStateCode."""

    BEGIN = "BEGIN"
    RELOADING = "RELOADING"
    FAILED = "LOADING_PRECONDITION_FAILED"
    FAILED_REVALIDATE = "LOADING_PRECONDITION_FAILED_REQUIRED_REVALIDATION"
    AVAILABLE = "AVAILABLE"
    AVAILABLE_REVALIDATE = "AVAILABLE_REQUIRED_REVALIDATION"
    RETIRED = "RETIRED"


_SHOWN = {
    DefinitionState.BEGIN: VersionStatus(State.LOADING),
    DefinitionState.RELOADING: VersionStatus(State.LOADING),
    DefinitionState.FAILED_REVALIDATE: VersionStatus(State.LOADING),
    DefinitionState.FAILED: VersionStatus(State.LOADING, ErrorCode.FAILED_PRECONDITION),
    DefinitionState.AVAILABLE: VersionStatus(State.AVAILABLE),
    DefinitionState.AVAILABLE_REVALIDATE: VersionStatus(State.AVAILABLE),
    DefinitionState.RETIRED: VersionStatus(State.END),
}
Check = Callable[[], Status]


class Definition:
    """One pipeline ("Pipeline") or graph ("Mediapipe") with what it needs to be available."""

    def __init__(self, kind: str, name: str, check: Check) -> None:
        self.kind = kind
        self.name = name
        self.state = DefinitionState.BEGIN
        self.check = check

    @property
    def status(self) -> VersionStatus:
        """How /v1/config shows it, under version 1."""
        return _SHOWN[self.state]

    def _move(self, state: DefinitionState, event: str) -> None:
        if state is self.state:
            return
        self.state = state
        MANAGER.info(
            "pipelinedefinitionstatus.hpp",
            f"{self.kind}: {self.name} state changed to: {state.value} after handling: {event}: ",
        )

    def validate(self) -> Status:
        """Check the needs again; AVAILABLE or LOADING_PRECONDITION_FAILED follows."""
        status = self.check()
        if status.ok:
            self._move(DefinitionState.AVAILABLE, "ValidationPassedEvent")
            return status
        if self.state is DefinitionState.AVAILABLE:
            self._move(DefinitionState.AVAILABLE_REVALIDATE, "UsedModelChangedEvent")
        if self.state is not DefinitionState.FAILED:
            MANAGER.error(
                "definition.cpp",
                f"Validation of {self.kind.lower()}: {self.name} definition failed. "
                f"{status.details or status.text()}",
            )
        self._move(DefinitionState.FAILED, "ValidationFailedEvent")
        return status

    def reload(self, check: Check) -> Status:
        """Take the definition of a new config.json."""
        self.check = check
        self._move(DefinitionState.RELOADING, "ReloadEvent")
        return self.validate()

    def retire(self) -> None:
        """It left config.json."""
        self._move(DefinitionState.RETIRED, "RetireEvent")

    def require_available(self) -> None:
        """Raises StatusError unless it can be used."""
        shown = self.status.state
        if shown is State.END:
            raise StatusError(MEDIAPIPE_RETIRED if self._is_graph else PIPELINE_RETIRED)
        if shown is not State.AVAILABLE:
            not_yet = MEDIAPIPE_NOT_LOADED_YET if self._is_graph else PIPELINE_NOT_LOADED_YET
            raise StatusError(not_yet)

    @property
    def _is_graph(self) -> bool:
        return self.kind == "Mediapipe"


def graph_file(base: str, graph_path: str) -> Path | None:
    """The graph of a servable: `graph_path`, or graph.pbtxt in `base` or `base`/1; else None."""
    if graph_path:
        return Path(base) / graph_path
    for candidate in (Path(base) / GRAPH_FILE, Path(base) / "1" / GRAPH_FILE):
        try:
            if candidate.is_file():
                return candidate
        except OSError:
            return None
    return None


def graph_check(name: str, path: Path) -> Check:
    """A graph needs its file to be readable and not blank."""

    def check() -> Status:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            MANAGER.error(
                _GRAPH, f"Failed to open mediapipe graph definition: {name}, file: {path}"
            )
            return Status(GRAPH_FILE_INVALID)
        if text.strip():
            return OK
        MANAGER.error(_GRAPH, f"Trying to parse empty mediapipe graph definition: {name} failed")
        return Status(GRAPH_FILE_INVALID)

    return check


def pipeline_check(
    definition: Mapping[str, Any],
    model_status: Callable[[str, int | None], Status],
    library_status: Callable[[Mapping[str, Any]], Status],
) -> Check:
    """A pipeline needs what its custom nodes need, then the models of the others."""

    def check() -> Status:
        nodes = definition["nodes"]
        custom = [node for node in nodes if node["type"] != "DL model"]
        statuses = itertools.chain(
            (library_status(node) for node in custom),
            (
                model_status(node["model_name"], node.get("version"))
                for node in nodes
                if node not in custom
            ),
        )
        return next((status for status in statuses if not status.ok), OK)

    return check


class Definitions:
    """All definitions of one kind that this process has ever known."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.items: dict[str, Definition] = {}

    def apply(self, name: str, check: Check) -> Status:
        """Create or reload the definition `name`."""
        known = self.items.get(name)
        if known is not None:
            return known.reload(check)
        self.items[name] = Definition(self.kind, name, check)
        return self.items[name].validate()

    def retire_other_than(self, kept: set[str]) -> None:
        """Retire what config.json no longer names."""
        for name, definition in self.items.items():
            if name not in kept:
                definition.retire()

    def revalidate(self) -> None:
        """Follow the models that the definitions use."""
        for definition in self.items.values():
            if definition.state is not DefinitionState.RETIRED:
                definition.validate()

    def get(self, name: str) -> Definition:
        """A definition. Raises StatusError when the name is unknown."""
        if name not in self.items:
            raise StatusError(MODEL_NAME_MISSING)
        return self.items[name]
