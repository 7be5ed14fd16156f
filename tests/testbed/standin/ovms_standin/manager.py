# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model manager: config, models, poll loop (src/modelmanager.cpp)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovms_standin.config_file import content_digest, read_config
from ovms_standin.definitions import Definitions
from ovms_standin.instance import ModelInstance, Tools, VersionStatus
from ovms_standin.knobs import Generation, Knobs
from ovms_standin.libraries import Libraries
from ovms_standin.logs import MANAGER, SERVING
from ovms_standin.metrics import Metrics
from ovms_standin.model_config import ModelConfig, parse_model
from ovms_standin.servables import ConfigPass
from ovms_standin.served_model import ServedModel
from ovms_standin.status import (
    CONFIG_FILE_UNREADABLE,
    LAYOUT_WRONG_FORMAT,
    MODEL_NAME_MISSING,
    OK,
    PLUGIN_CONFIG_WRONG_FORMAT,
    POLICY_UNSUPPORTED_KEY,
    POLICY_WRONG_FORMAT,
    Status,
    StatusError,
)
from ovms_standin.versions import VersionReload

if TYPE_CHECKING:
    from ovms_standin.model import LoadedModel, Runtime

_SOURCE = "modelmanager.cpp"


class ReloadError(Exception):
    """POST /v1/config/reload failed: the status for the code, the text for the body."""

    def __init__(self, status: Status, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass
class Settings:
    """What the command line says to the manager."""

    config_path: str = ""
    single_model: Mapping[str, Any] = field(default_factory=dict)
    poll_seconds: int = 1
    cache_dir: str = ""


class ModelManager:
    """Everything that is served. One lock serializes loads: the polls and the reload request."""

    def __init__(self, settings: Settings, knobs: Knobs, metrics: Metrics) -> None:
        self.knobs = knobs
        self.settings = settings
        self.metrics = metrics
        self.models: dict[str, ServedModel] = {}
        self.pipelines = Definitions("Pipeline")
        self.graphs = Definitions("Mediapipe")
        self.libraries = Libraries()
        self.served_configs: dict[str, ModelConfig] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None
        self._runtime: Runtime | None = None
        self._config_digest: bytes | None = None
        self._last_load = OK
        self._monitoring_read = False
        self._config_refused = False
        self._tools = Tools(self.runtime, knobs, self._pause, metrics.unloaded, self._on_load)

    # -- what loads need ------------------------------------------------------------------

    def runtime(self) -> Runtime:
        """The OpenVINO runtime, made at its first use."""
        if self._runtime is None:
            from ovms_standin.model import Runtime

            self._runtime = Runtime(self.settings.cache_dir)
        return self._runtime

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._stop.wait(seconds)

    def _on_load(self, name: str, version: int, model: LoadedModel) -> None:
        self.metrics.loaded(name, version, model.streams, model.nireq)

    def model(self, name: str) -> ServedModel:
        """The model of that name, made if it is new."""
        return self.models.setdefault(name, ServedModel(name, self._tools))

    def apply(self, config: ModelConfig) -> Status:
        """Load, reload and retire the versions of one model."""
        single_files = self.knobs.generation is not Generation.TFS
        model = self.model(config.name)
        return VersionReload(model, config, self.knobs, single_files=single_files).run()

    # -- start and stop -------------------------------------------------------------------

    def start(self) -> Status:
        """First pass over all models, then the poll thread."""
        with self._lock:
            if self.settings.config_path:
                status = self._load_config(Path(self.settings.config_path))
                # Whatever the models do, only a refused file keeps the server from starting.
                status = status if self._config_refused else OK
            else:
                status = self._start_single_model()
        if not status.ok:
            return status
        self._start_watcher()
        return OK

    def _start_single_model(self) -> Status:
        try:
            config = parse_model(self.settings.single_model, None, command_line=True)
        except StatusError as error:
            MANAGER.error(_SOURCE, _single_model_error(error.status))
            return error.status
        one = ConfigPass(self, None)
        if one.add_graph(config):
            return one.status
        if one.plugin_config_fails(config):
            return one.status
        self.served_configs = {config.name: config}
        return self.apply(config)

    def _start_watcher(self) -> None:
        if self.settings.poll_seconds <= 0:
            return
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._watcher.start()

    def interrupt(self) -> None:
        """Cut short the waits of slow loads and of the poll thread."""
        self._stop.set()

    def stop(self) -> None:
        """End the poll thread, then every version; a load in progress is waited for."""
        self.interrupt()
        if self._watcher is not None:
            self._watcher.join(30)
            SERVING.info(_SOURCE, "Shutdown model manager")
            self._watcher = None
        for model in self.models.values():
            model.end_all()

    # -- polls ----------------------------------------------------------------------------

    def _watch(self) -> None:
        MANAGER.info(_SOURCE, "Started model manager thread")
        while not self._stop.wait(self.settings.poll_seconds):
            self.poll()
        MANAGER.info(_SOURCE, "Stopped model manager thread")

    def poll(self) -> None:
        """One check of the config file and of the repositories."""
        MANAGER.trace(_SOURCE, "Models configuration and filesystem check cycle begin")
        with self._lock:
            if self.settings.config_path and self._config_changed():
                self._load_config(Path(self.settings.config_path))
            self._update_versions()
        MANAGER.trace(_SOURCE, "Models configuration and filesystem check cycle end")

    def _config_changed(self) -> bool:
        digest = content_digest(Path(self.settings.config_path))
        if digest is None:
            MANAGER.debug(_SOURCE, "Config file not found or cannot open.")
            return False
        return digest != self._config_digest

    def _update_versions(self) -> Status:
        first_error = OK
        changed: Status | None = None
        for config in list(self.served_configs.values()):
            status = self.apply(config)
            if not status.ok and first_error.ok:
                first_error = status
            if status.code.name == "OK_RELOADED":
                changed = status
        self.pipelines.revalidate()
        return first_error if not first_error.ok else changed or OK

    def _load_config(self, path: Path) -> Status:
        self._config_digest = content_digest(path)
        try:
            document = read_config(path, self.knobs.generation)
            self._read_monitoring(document)
        except StatusError as error:
            self._last_load, self._config_refused = error.status, True
            return error.status
        self._config_refused = False
        config_pass = ConfigPass(self, path.absolute().parent)
        self._last_load = config_pass.run(document)
        return self._last_load

    def _read_monitoring(self, document: Mapping[str, Any]) -> None:
        if self._monitoring_read:
            return
        try:
            self.metrics.configure_from_file(document.get("monitoring"))
        except StatusError:
            MANAGER.error(_SOURCE, "Couldn't load metrics settings")
            raise
        self._monitoring_read = True

    # -- requests -------------------------------------------------------------------------

    def reload_config(self) -> None:
        """POST /v1/config/reload: synchronous. Raises ReloadError.

        The whole file is applied again when it changed or when its last load had an error.
        """
        with self._lock:
            if self.settings.config_path:
                self._reload_file(Path(self.settings.config_path))
            status = self._update_versions()
            if not status.ok:
                raise ReloadError(
                    status, "Reloading models versions failed. Check server logs for more info."
                )

    def _reload_file(self, path: Path) -> None:
        digest = content_digest(path)
        if digest is None:
            raise ReloadError(
                Status(CONFIG_FILE_UNREADABLE), "Config file not found or cannot open."
            )
        if digest == self._config_digest and self._last_load.ok:
            return
        status = self._load_config(path)
        if not status.ok:
            raise ReloadError(
                status, "Reloading config file failed. Check server logs for more info."
            )

    def instance(self, name: str, version: int | None) -> ModelInstance:
        """A version of a model, or its default one. Raises StatusError."""
        model = self.models.get(name)
        if model is None:
            raise StatusError(MODEL_NAME_MISSING)
        return model.get(version)

    def statuses(self) -> dict[str, list[tuple[int, VersionStatus]]]:
        """Every servable this process has known, by name; versions ascending."""
        found: dict[str, list[tuple[int, VersionStatus]]] = {}
        for name, model in self.models.copy().items():
            found[name] = [(i.version, i.status) for i in model.instances()]
        for definitions in (self.pipelines, self.graphs):
            for name, definition in definitions.items.copy().items():
                found[name] = [(1, definition.status)]
        return dict(sorted(found.items(), key=lambda item: item[0].encode()))


def _single_model_error(status: Status) -> str:
    if status.code is PLUGIN_CONFIG_WRONG_FORMAT:
        return "Couldn't parse plugin config"
    if status.code in (POLICY_WRONG_FORMAT, POLICY_UNSUPPORTED_KEY):
        return f"Couldn't parse model version policy. {status.text()}"
    what = "layout" if status.code is LAYOUT_WRONG_FORMAT else "shape"
    return f"Couldn't parse {what} parameter"
