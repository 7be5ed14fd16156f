# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model: its versions and the default one (src/model.cpp)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from ovms_standin.cloud import downloaded, is_cloud
from ovms_standin.instance import ModelInstance, State, Tools
from ovms_standin.logs import MANAGER, SERVING
from ovms_standin.model_config import ModelConfig
from ovms_standin.status import MODEL_VERSION_MISSING, OK, Status, StatusError

_SOURCE = "model.cpp"


class ServedModel:
    """All versions of one model that this process has ever registered."""

    def __init__(self, name: str, tools: Tools) -> None:
        self.name = name
        self.versions: dict[int, ModelInstance] = {}
        self.default_version = 0
        self._tools = tools

    def get(self, version: int | None) -> ModelInstance:
        """A version, or the default one for None. Raises StatusError."""
        found = self.versions.get(self.default_version if version is None else version)
        if found is None:
            if version is None:
                SERVING.warning(
                    _SOURCE,
                    f"Default version: {self.default_version} for model: {self.name} not found",
                )
            raise StatusError(MODEL_VERSION_MISSING)
        return found

    def instances(self) -> list[ModelInstance]:
        """All versions, ascending."""
        return [instance for _, instance in sorted(self.versions.copy().items())]

    def available(self) -> list[int]:
        """Versions that serve now, ascending."""
        return [i.version for i in self.instances() if i.status.state is State.AVAILABLE]

    def _update_default(self, ignored: int = -1) -> None:
        SERVING.info(
            _SOURCE,
            f"Updating default version for model: {self.name}, from: {self.default_version}",
        )
        self.default_version = max((v for v in self.available() if v != ignored), default=0)
        if self.default_version:
            SERVING.info(
                _SOURCE,
                f"Updated default version for model: {self.name}, to: {self.default_version}",
            )
        else:
            SERVING.info(
                _SOURCE,
                f"Model: {self.name} will not have default version since no version is available.",
            )

    def _load_error(self, version: int, status: Status) -> None:
        SERVING.error(
            _SOURCE,
            f"Error occurred while loading model: {self.name}; version: {version}; "
            f"error: {status.text()}",
        )

    def add_versions(
        self, versions: Sequence[int], config: ModelConfig
    ) -> tuple[Status, list[int]]:
        """Load new versions one after the other; the last failure and the failed versions.

        Raises OSError out of the middle when a directory cannot be listed, as OVMS does.
        """
        with self._downloaded(config, versions) as local:
            if isinstance(local, Status):
                return local, list(versions)
            return self._add_versions(versions, local)

    def _add_versions(
        self, versions: Sequence[int], config: ModelConfig
    ) -> tuple[Status, list[int]]:
        result, failed = OK, []
        for version in versions:
            SERVING.info(_SOURCE, f"Will add model: {self.name}; version: {version} ...")
            instance = ModelInstance(self.name, version, self._tools)
            # emplace: a version that is registered already stays, this load is for nothing.
            self.versions.setdefault(version, instance)
            status = instance.load(config)
            if status.ok:
                self._update_default()
                continue
            self._load_error(version, status)
            failed.append(version)
            result = status
        return result, failed

    def reload_versions(
        self, versions: Iterable[int], config: ModelConfig
    ) -> tuple[Status, list[int]]:
        """Load registered versions again; the last failure and the failed versions."""
        result, failed = OK, []
        for version in versions:
            SERVING.info(_SOURCE, f"Will reload model: {self.name}; version: {version} ...")
            instance = self.versions[version]
            before = instance.config
            fetches = (
                is_cloud(config.base_path)
                or instance.status.state in (State.END, State.LOADING)
                or (before is not None and before.base_path != config.base_path)
            )
            with self._downloaded(config, [version] if fetches else []) as local:
                status = local if isinstance(local, Status) else instance.reload(local)
            if status.ok:
                self._update_default()
                continue
            self._load_error(version, status)
            failed.append(version)
            result = status
        return result, failed

    @contextmanager
    def _downloaded(
        self, config: ModelConfig, versions: Sequence[int]
    ) -> Iterator[ModelConfig | Status]:
        """The config with its files on the local disk, or why they are not there."""
        if not versions:
            yield config
            return
        SERVING.info(_SOURCE, f"Getting model from {config.base_path}")
        with downloaded(config, versions) as local:
            if isinstance(local, ModelConfig):
                place = local.local_path or config.base_path
                SERVING.info(_SOURCE, f"Model downloaded to {place}")
            yield local

    def retire_versions(self, versions: Iterable[int]) -> None:
        """Unload versions, each taken out of the default first."""
        for version in versions:
            SERVING.info(_SOURCE, f"Will unload model: {self.name}; version: {version} ...")
            self._update_default(version)
            self.versions[version].retire()

    def clean_up_failed(self, versions: Iterable[int]) -> None:
        """Forget failed loads."""
        for version in versions:
            SERVING.info(_SOURCE, f"Will clean up model: {self.name}; version: {version} ...")
            self._update_default(version)
            self.versions[version].clean_up_failed()

    def retire_all(self) -> None:
        """The model left config.json."""
        for instance in self.instances():
            MANAGER.info(
                _SOURCE, f"Will unload model: {self.name}; version: {instance.version} ..."
            )
            instance.retire()
            self._update_default()

    def end_all(self) -> None:
        """The process ends."""
        for instance in self.instances():
            instance.end()

    def clean_up_all(self) -> None:
        """The model's entry in config.json cannot be parsed any more."""
        for instance in self.instances():
            MANAGER.info(
                _SOURCE, f"Will unload model: {self.name}; version: {instance.version} ..."
            )
            instance.clean_up_failed()
            self._update_default()
