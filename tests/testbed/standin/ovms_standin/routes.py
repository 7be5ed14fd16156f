# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each REST call answers, without a socket (src/http_rest_api_handler.cpp)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ovms_standin import bodies, kserve, tfs
from ovms_standin.inference import Origin, find_definition, run, use_model
from ovms_standin.instance import State
from ovms_standin.knobs import VERSIONS, Generation
from ovms_standin.manager import ModelManager, ReloadError
from ovms_standin.status import (
    JSON_INVALID,
    MODEL_NAME_MISSING,
    MODEL_VERSION_NOT_LOADED_YET,
    PATH_INVALID,
    REST_INVALID_URL,
    REST_UNSUPPORTED_METHOD,
    SERVER_NOT_READY,
    Status,
    StatusError,
)

SERVER_NAME = "OpenVINO Model Server"
_JSON = "application/json"
_JSON_TYPE = "application/json; charset=utf-8"
_TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One HTTP request; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = _JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request, "re.Match[str]"], Reply]
_VERSION = r"(?:/versions/(?P<version>[0-9]+))?"
_V2_MODEL = r"/v2/models/(?P<name>[^/]+)" + _VERSION
#: The optional character before /v1 is in upstream's expressions too.
_TFS_MODEL = r".?/v1/models/(?P<name>[^/:]+)(?:(?:/versions/(?P<version>\d+))|(?:/labels/\w+))?"


class Routes:
    """All routes of one generation, in the order they are tried."""

    def __init__(self, manager: ModelManager, is_ready: Callable[[], bool]) -> None:
        self._manager = manager
        self._is_ready = is_ready
        self._old = manager.knobs.generation is Generation.TFS
        table = (self._tfs_table() if self._old else []) + self._common_table()
        if not self._old:
            table += self._openai_table()
        self._table = [(method, re.compile(path), handler) for method, path, handler in table]

    def _common_table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", r".?/v1/config", self._config_status),
            ("POST", r".?/v1/config/reload", self._config_reload),
            ("GET", r"/v2/health/live", self._live),
            ("GET", r"/v2/health/ready", self._ready),
            ("GET", r"/v2", self._server_metadata),
            ("GET", _V2_MODEL + r"/ready", self._model_ready),
            ("GET", _V2_MODEL + r"/?", self._model_metadata),
            ("POST", _V2_MODEL + r"/infer", self._infer),
            ("GET", r".?/metrics", self._metrics),
            ("GET", r"/standin/digests", self._digests),
        ]

    def _tfs_table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", _TFS_MODEL + r"/metadata", self._tfs_metadata),
            ("GET", r".?/v1/models", self._tfs_no_name),
            ("GET", _TFS_MODEL, self._tfs_status),
            ("POST", _TFS_MODEL + r":predict", self._tfs_predict),
            ("GET", r"/v3/(?:v1/)?models", self._openai_list),
            ("GET", r"/v3/(?:v1/)?models/(?P<name>.+)", self._openai_model),
        ]

    def _openai_table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", r"/(?:v3/(?:v1/)?|v1/)models", self._openai_list),
            ("GET", r"/(?:v3/(?:v1/)?|v1/)models/(?P<name>.+)", self._openai_model),
            ("POST", r"/(?:v3|v1)/.*", self._openai_call),
        ]

    def answer(self, request: Request) -> Reply:
        """The answer to a request; never raises."""
        try:
            return self._dispatch(request)
        except StatusError as error:
            status = error.status
            return _refusal(status)

    def _dispatch(self, request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply()
        # The body of an answer to HEAD is left out by the server.
        asked = "GET" if request.method == "HEAD" else request.method
        if asked not in ("GET", "POST"):
            raise StatusError(REST_UNSUPPORTED_METHOD)
        path = request.path.partition("?")[0]
        if "/../" in path:
            raise StatusError(PATH_INVALID)
        other_method = False
        for method, pattern, handler in self._table:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            if method == asked:
                return handler(request, match)
            # The wide pattern of the generative routes is none of the named paths.
            other_method = other_method or handler != self._openai_call
        raise StatusError(REST_UNSUPPORTED_METHOD if other_method else REST_INVALID_URL)

    # -- server ---------------------------------------------------------------------------

    def _live(self, _request: Request, _match: re.Match[str]) -> Reply:
        return Reply()

    def _ready(self, _request: Request, _match: re.Match[str]) -> Reply:
        if not self._is_ready():
            raise StatusError(SERVER_NOT_READY)
        return Reply()

    def _server_metadata(self, _request: Request, _match: re.Match[str]) -> Reply:
        version = VERSIONS[self._manager.knobs.generation]
        return Reply(body=bodies.compact({"name": SERVER_NAME, "version": version}))

    def _config_status(self, _request: Request, _match: re.Match[str]) -> Reply:
        return Reply(body=bodies.config_status(self._manager.statuses()))

    def _config_reload(self, request: Request, match: re.Match[str]) -> Reply:
        try:
            self._manager.reload_config()
        except ReloadError as error:
            return Reply(error.status.code.http, bodies.reload_error(error.text))
        return self._config_status(request, match)

    def _metrics(self, _request: Request, _match: re.Match[str]) -> Reply:
        if not self._manager.metrics.enabled:
            return _refusal(Status(REST_INVALID_URL), _TEXT_TYPE)
        return Reply(body=self._manager.metrics.render().encode(), content_type=_TEXT_TYPE)

    def _digests(self, _request: Request, _match: re.Match[str]) -> Reply:
        """Not OVMS's: which bytes each loaded version was read from."""
        found = {
            name: {
                str(instance.version): instance.model.digest
                for instance in model.instances()
                if instance.model is not None
            }
            for name, model in self._manager.models.copy().items()
        }
        return Reply(body=bodies.compact(found))

    # -- KServe v2 ------------------------------------------------------------------------

    def _model_ready(self, _request: Request, match: re.Match[str]) -> Reply:
        name, version = _name_version(match)
        definition = find_definition(self._manager, name)
        if definition is not None and name not in self._manager.models:
            definition.require_available()
            return Reply()
        instance = self._manager.instance(name, version)
        if instance.status.state is not State.AVAILABLE:
            raise StatusError(MODEL_VERSION_NOT_LOADED_YET)
        self._manager.metrics.request("REST", "KServe", "ModelReady", name, 0, True)
        return Reply()

    def _model_metadata(self, _request: Request, match: re.Match[str]) -> Reply:
        name, version = _name_version(match)
        definition = find_definition(self._manager, name)
        if definition is not None and name not in self._manager.models:
            definition.require_available()
            empty: dict[str, Any] = {"inputs": [], "outputs": []}
            known = {"name": name, "versions": ["1"], "platform": "OpenVINO"}
            return Reply(body=bodies.compact(known | empty))
        instance = self._manager.instance(name, version)
        model = instance.loaded_now()
        available = self._manager.models[name].available()
        self._manager.metrics.request(
            "REST", "KServe", "ModelMetadata", name, instance.version, True
        )
        return Reply(body=bodies.compact(kserve.model_metadata(name, available, model)))

    def _infer(self, request: Request, match: re.Match[str]) -> Reply:
        name, version = _name_version(match)
        origin = Origin("REST", "KServe", "ModelInfer")
        with use_model(self._manager, name, version or None, origin) as (number, model):
            ask = kserve.decode(
                request.body, request.headers.get("inference-header-content-length")
            )
            results = run(self._manager, name, number, model, ask.inputs)
            body, head = kserve.encode(name, number, model, results, ask)
        if head is None:
            return Reply(body=body)
        return Reply(body=body, headers={"inference-header-content-length": str(head)})

    # -- TensorFlow Serving ---------------------------------------------------------------

    def _tfs_no_name(self, _request: Request, _match: re.Match[str]) -> Reply:
        raise StatusError(MODEL_NAME_MISSING)

    def _tfs_status(self, _request: Request, match: re.Match[str]) -> Reply:
        name, version = _name_version(match)
        statuses = self._manager.statuses()
        if name not in statuses:
            raise StatusError(MODEL_NAME_MISSING)
        found = statuses[name]
        if version and name in self._manager.models:
            instance = self._manager.instance(name, version)
            found = [(version, instance.status)]
        return Reply(body=bodies.model_status(found))

    def _tfs_metadata(self, _request: Request, match: re.Match[str]) -> Reply:
        name, version = _name_version(match)
        instance = self._manager.instance(name, version or None)
        return Reply(body=tfs.metadata(name, instance.version, instance.loaded_now()))

    def _tfs_predict(self, request: Request, match: re.Match[str]) -> Reply:
        name, version = _name_version(match)
        origin = Origin("REST", "TensorFlowServing", "Predict")
        with use_model(self._manager, name, version or None, origin) as (number, model):
            inputs, rows = tfs.decode(request.body, model)
            results = run(self._manager, name, number, model, inputs)
        return Reply(body=tfs.encode(results, rows=rows))

    # -- OpenAI ---------------------------------------------------------------------------

    def _serving_names(self) -> list[str]:
        """Servables whose default version is AVAILABLE."""
        return [
            name
            for name, versions in self._manager.statuses().items()
            if any(status.state is State.AVAILABLE for _, status in versions)
        ]

    def _openai_list(self, _request: Request, _match: re.Match[str]) -> Reply:
        data = [_openai_entry(name) for name in self._serving_names()]
        return Reply(body=bodies.compact({"data": data, "object": "list"}))

    def _openai_model(self, _request: Request, match: re.Match[str]) -> Reply:
        name = unquote(match["name"])
        if name not in self._serving_names():
            return Reply(500, bodies.error("Model not found"))
        return Reply(body=bodies.compact(_openai_entry(name)))

    def _openai_call(self, request: Request, _match: re.Match[str]) -> Reply:
        if not request.headers.get("content-type", "").startswith(_JSON):
            raise StatusError(MODEL_NAME_MISSING)
        raise StatusError(JSON_INVALID, "model field is missing in JSON body")


def _openai_entry(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(time.time()), "owned_by": "OVMS"}


def _name_version(match: re.Match[str]) -> tuple[str, int | None]:
    """Name and version of a path; an inference takes version 0 for none, nothing else does."""
    version = match["version"]
    return unquote(match["name"]), None if version is None else int(version)


def _refusal(status: Status, content_type: str = _JSON_TYPE) -> Reply:
    return Reply(status.code.http, bodies.error(status.text()), content_type)
