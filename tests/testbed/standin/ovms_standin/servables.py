# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass over config.json: models, graphs, pipelines (loadModelsConfig and its neighbours)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovms_standin.config_file import read_json
from ovms_standin.config_schema import Validator, models_schema
from ovms_standin.definitions import (
    SUBCONFIG_FILE,
    graph_check,
    graph_file,
    pipeline_check,
)
from ovms_standin.instance import State
from ovms_standin.knobs import Defect
from ovms_standin.logs import MANAGER, SERVING
from ovms_standin.model_config import ModelConfig, parse_model, resolve
from ovms_standin.status import (
    JSON_INVALID,
    MODEL_CONFIG_INVALID,
    MODEL_NAME_MISSING,
    MODEL_NAME_OCCUPIED,
    MODEL_VERSION_MISSING,
    OK,
    Status,
    StatusError,
)

if TYPE_CHECKING:
    from ovms_standin.manager import ModelManager

_SOURCE = "modelmanager.cpp"


class ConfigPass:
    """Applies one config document; `status` ends as the first error, or OK."""

    def __init__(self, manager: ModelManager, root: Path | None) -> None:
        self._manager = manager
        self._root = root
        self._models: dict[str, ModelConfig] = {}
        self._invalid: set[str] = set()
        self._graphs: set[str] = set()
        self.status = OK

    def _note(self, status: Status) -> None:
        if self.status.ok and not status.ok:
            self.status = status

    def run(self, document: Mapping[str, Any]) -> Status:
        """Models first, then libraries, pipelines and the old list of graphs."""
        self._read_models(document["model_config_list"], self._root)
        if not self.status.ok:
            MANAGER.error(_SOURCE, "Loading main OVMS config models failed.")
        self._read_graph_list(document.get("mediapipe_config_list", []))
        self._manager.served_configs = self._models
        self._retire_models()
        self._manager.graphs.retire_other_than(self._graphs)
        libraries = document.get("custom_node_library_config_list", [])
        paths = {item["name"]: resolve(item["base_path"], self._root) for item in libraries}
        self._manager.libraries.apply(paths)
        self._read_pipelines(document.get("pipeline_config_list"))
        return self.status

    # -- models ---------------------------------------------------------------------------

    def _read_models(self, entries: Sequence[Mapping[str, Any]], root: Path | None) -> bool:
        """Apply the entries in order; False when the defect ended the loop."""
        for entry in entries:
            config = self._parse(entry["config"], root)
            if config is None:
                continue
            if self.plugin_config_fails(config):
                if self._manager.knobs.has(Defect.PLUGIN_CASCADE):
                    return False
                continue
            if self._name_taken(config.name) or self.add_graph(config):
                continue
            status = self._manager.apply(config)
            if not status.ok:
                MANAGER.debug(
                    _SOURCE,
                    f"Cannot reload model: {config.name} with versions due to error: "
                    f"{status.text()}",
                )
            self._note(status)
            self._models[config.name] = config
        return True

    def _parse(self, entry: Mapping[str, Any], root: Path | None) -> ModelConfig | None:
        try:
            return parse_model(entry, root)
        except StatusError as error:
            MANAGER.error(
                _SOURCE,
                f"Parsing model: {entry['name']} config failed due to error: {error.status.text()}",
            )
            self._invalid.add(entry["name"])
            self._note(error.status)
            return None

    def _name_taken(self, name: str) -> bool:
        if name in self._models or name in self._graphs:
            MANAGER.warning(
                _SOURCE,
                f"Duplicated model names: {name} defined in config file. "
                "Only first definition will be loaded.",
            )
        elif name in self._manager.pipelines.items:
            MANAGER.error(
                _SOURCE, f"Model name: {name} is already occupied by pipeline definition."
            )
        else:
            return False
        self._note(Status(MODEL_NAME_OCCUPIED))
        return True

    def plugin_config_fails(self, config: ModelConfig) -> bool:
        """Whether the device knows one of the plugin settings not; logged and noted then."""
        if not config.target_device:
            MANAGER.info("ov_utils.cpp", "No GPU devices found, recommending CPU")
        known = self._manager.runtime().plugin_keys(config)
        key = next((key for key in config.plugin_config if key not in known), None)
        if key is None:
            return False
        MANAGER.error(
            "ov_utils.cpp",
            f"Plugin config key: {key} not found in supported config keys for device: "
            f"{config.device}.",
        )
        MANAGER.info("ov_utils.cpp", "List of supported keys for this device:")
        for supported in known:
            MANAGER.info("ov_utils.cpp", supported)
        MANAGER.error(_SOURCE, "Plugin config contains unsupported keys")
        self._note(Status(MODEL_CONFIG_INVALID))
        return True

    def _retire_models(self) -> None:
        for name, model in self._manager.models.items():
            if name in self._models:
                continue
            if name in self._invalid:
                MANAGER.debug(_SOURCE, f"Cleaning up all versions of model: {name}")
                model.clean_up_all()
            else:
                MANAGER.debug(_SOURCE, f"Retiring all versions of model: {name}")
                model.retire_all()

    # -- graphs ---------------------------------------------------------------------------

    def add_graph(self, config: ModelConfig) -> bool:
        """Apply `config` as a MediaPipe graph; False when it is none."""
        path = graph_file(config.base_path, config.graph_path)
        if path is None:
            return False
        self._apply_graph(config.name, path, config.base_path, config.subconfig)
        return True

    def _read_graph_list(self, entries: Sequence[Mapping[str, str]]) -> None:
        for entry in entries:
            name = entry["name"]
            if name in self._models or name in self._graphs:
                MANAGER.error(
                    _SOURCE,
                    f"Mediapipe graph name: {name} is already occupied by model or pipeline",
                )
                self._note(Status(MODEL_NAME_OCCUPIED))
                continue
            base = resolve(entry.get("base_path", "."), self._root)
            path = graph_file(base, entry.get("graph_path", "")) or Path(base, "graph.pbtxt")
            self._apply_graph(name, path, base, entry.get("subconfig", ""))

    def _apply_graph(self, name: str, path: Path, base: str, subconfig: str) -> None:
        self._graphs.add(name)
        self._read_subconfig(Path(base, subconfig or SUBCONFIG_FILE), required=bool(subconfig))
        self._note(self._manager.graphs.apply(name, graph_check(name, path)))

    def _read_subconfig(self, path: Path, *, required: bool) -> None:
        if not required and not path.is_file():
            return
        try:
            document = read_json(path)
        except StatusError as error:
            self._note(error.status)
            return
        schema = models_schema(self._manager.knobs.generation)
        violation = Validator(schema).first_violation(document)
        if violation is not None:
            SERVING.error("schema.cpp", violation.text())
            MANAGER.error(_SOURCE, "Mediapipe configuration file is not in valid format")
            self._note(Status(JSON_INVALID))
            return
        self._read_models(document["model_config_list"], path.absolute().parent)

    # -- pipelines ------------------------------------------------------------------------

    def _read_pipelines(self, entries: Sequence[Mapping[str, Any]] | None) -> None:
        if entries is None:
            MANAGER.info(_SOURCE, "Configuration file doesn't have pipelines property.")
        names: set[str] = set()
        for entry in entries or ():
            name = entry["name"]
            if name in names:
                MANAGER.warning(
                    _SOURCE,
                    f"Duplicated pipeline names: {name} defined in config file. "
                    "Only first definition will be loaded.",
                )
                continue
            if name in self._manager.models or name in self._graphs:
                MANAGER.error(_SOURCE, f"Pipeline name: {name} is already occupied by model.")
                self._note(Status(MODEL_NAME_OCCUPIED))
                continue
            MANAGER.info(_SOURCE, f"Reading pipeline: {name} configuration")
            names.add(name)
            check = pipeline_check(entry, self._model_status, self._manager.libraries.check)
            self._note(self._manager.pipelines.apply(name, check))
        self._manager.pipelines.retire_other_than(names)

    def _model_status(self, name: str, version: int | None) -> Status:
        model = self._manager.models.get(name)
        if model is None:
            return Status(MODEL_NAME_MISSING, f"Missing model: {name};")
        try:
            serving = model.get(version).status.state is State.AVAILABLE
        except StatusError as error:
            return error.status
        return OK if serving else Status(MODEL_VERSION_MISSING, f"Missing model: {name};")
