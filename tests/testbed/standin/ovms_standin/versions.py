# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions to start, load again and retire (src/modelmanager.cpp).

The functions follow getVersionsToChange and reloadModelWithVersions step by step, because their
order of steps is what a rollout can trip over.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ovms_standin.instance import ModelInstance
from ovms_standin.knobs import Defect, Knobs
from ovms_standin.logs import MANAGER
from ovms_standin.model_config import ModelConfig
from ovms_standin.repository import read_available_versions
from ovms_standin.served_model import ServedModel
from ovms_standin.status import OK, RELOADED, Status, StatusError

_SOURCE = "modelmanager.cpp"


@dataclass(frozen=True)
class Changes:
    """Versions to act on, each ascending."""

    start: list[int]
    reload: list[int]
    retire: list[int]

    def __bool__(self) -> bool:
        return bool(self.start or self.reload or self.retire)


def _without(these: Iterable[int], those: Iterable[int]) -> list[int]:
    """std::set_difference: a number that is there twice is only taken away as often."""
    return sorted((Counter(list(these)) - Counter(list(those))).elements())


def versions_to_change(
    config: ModelConfig, registered: Mapping[int, ModelInstance], requested: Sequence[int]
) -> Changes:
    """getVersionsToChange."""
    again = [
        version
        for version in sorted(set(requested) & set(registered))
        if _needs_reload(registered[version], config)
    ]
    retire = [
        version
        for version in _without(registered, requested)
        if not registered[version].status.will_end_unloaded
    ]
    return Changes(_without(requested, registered), again, retire)


def _needs_reload(instance: ModelInstance, config: ModelConfig) -> bool:
    status = instance.status
    if status.will_end_unloaded or status.failed_loading:
        return True
    return instance.config is not None and instance.config.reload_required(config)


def drop_failed(available: list[int], failed: Iterable[int], *, by_text_order: bool) -> None:
    """Take failed versions out of `available`, which is in the text order of their names.

    `by_text_order` repeats OVMS's std::binary_search over numbers that are not in number order:
    it misses 10 in (10, 9), so that the failed 10 stays asked for and 9 is retired.
    """
    for version in failed:
        if by_text_order:
            position = bisect_left(available, version)
            found = position < len(available) and available[position] == version
        else:
            found = version in available
        if found:
            available[:] = [other for other in available if other != version]


class VersionReload:
    """One pass over one model: reloadModelWithVersions."""

    def __init__(
        self, model: ServedModel, config: ModelConfig, knobs: Knobs, *, single_files: bool
    ) -> None:
        self._model = model
        self._config = config
        self._by_text_order = knobs.has(Defect.DIGIT_BOUNDARY)
        self._single_files = single_files
        self._available: list[int] = []
        self._all_failed: set[int] = set()

    def run(self) -> Status:
        """Start, reload, retire; the status that OVMS goes on with."""
        try:
            self._available = read_available_versions(
                self._config.base_path, single_files=self._single_files
            )
        except StatusError as error:
            return error.status
        changes = self._changes()
        changed = bool(changes)
        status, failed, changes = self._start(changes)
        if changes.reload:
            again, failed_again = self._reload(changes.reload)
            status = status if again.ok else again
            failed = failed + failed_again
        self._drop(failed)
        self._retire(self._changes().retire)
        return RELOADED if status.ok and changed else status

    def _changes(self) -> Changes:
        requested = self._config.policy.choose(self._available)
        return versions_to_change(self._config, self._model.versions, requested)

    def _start(self, changes: Changes) -> tuple[Status, list[int], Changes]:
        status: Status = OK
        failed: list[int] = []
        while changes.start:
            status, failed = self._add(changes.start)
            if status.ok:
                break
            self._drop(failed)
            changes = self._changes()
        return status, failed, changes

    def _add(self, versions: Sequence[int]) -> tuple[Status, list[int]]:
        try:
            status, failed = self._model.add_versions(versions, self._config)
        except OSError as error:
            # Caught outside of the load: the status stays OK and the version LOADING for ever.
            MANAGER.error(
                _SOURCE,
                "Exception occurred while loading model: filesystem error: directory iterator "
                f"cannot open directory: {error.strerror} [{error.filename}];",
            )
            return OK, []
        if not status.ok:
            MANAGER.error(
                _SOURCE,
                f"Error occurred while loading model: {self._model.name} versions; "
                f"error: {status.text()}",
            )
        return status, failed

    def _reload(self, versions: Sequence[int]) -> tuple[Status, list[int]]:
        try:
            status, failed = self._model.reload_versions(versions, self._config)
        except OSError as error:
            MANAGER.error(
                _SOURCE,
                "Exception occurred while reloading model: filesystem error: directory iterator "
                f"cannot open directory: {error.strerror} [{error.filename}];",
            )
            return OK, []
        if not status.ok:
            MANAGER.error(
                _SOURCE,
                f"Error occurred while reloading model: {self._model.name}; versions; "
                f"error: {status.text()}",
            )
        return status, failed

    def _drop(self, failed: Sequence[int]) -> None:
        for version in failed:
            MANAGER.debug(_SOURCE, f"Removing available version {version} due to load failure; ")
        drop_failed(self._available, failed, by_text_order=self._by_text_order)
        self._all_failed.update(failed)

    def _retire(self, versions: Sequence[int]) -> None:
        self._model.retire_versions(v for v in versions if v not in self._all_failed)
        self._model.clean_up_failed(v for v in versions if v in self._all_failed)
