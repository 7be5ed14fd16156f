# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to run a network: a model server over HTTP, or the OpenVINO runtime in this process."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np

from .detection import Floats
from .kserve import checked, first_output, infer_request
from .runtime import load_openvino

TIMEOUT = 60.0
"""Seconds for one request; the first one on a slow edge node also compiles for its shape."""

Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers with keys in lower case, body."""

Ask = Callable[[str, str, "bytes | None", Mapping[str, str]], Answer]
"""(method, path, body, headers) -> answer: one HTTP exchange with one replica."""


class Network(Protocol):
    """Something that runs a model by name."""

    def infer(self, model: str, tensor: Floats) -> Floats:
        """Return the first output of ``model`` for its one input."""


class RestNetwork:
    """A model server that speaks KServe v2 over REST."""

    def __init__(self, ask: Ask, *, binary: bool = True) -> None:
        self._ask = ask
        self._binary = binary
        self._inputs: dict[str, str] = {}

    def infer(self, model: str, tensor: Floats) -> Floats:
        """Return the first output of the default version of ``model``.

        Raises:
            ServingError: the server refused, or answered something else.
        """
        path = f"/v2/models/{model}/infer"
        body, headers = infer_request(self._input_of(model), tensor, binary=self._binary)
        status, received, answer = self._ask("POST", path, body, headers)
        return first_output(checked(status, answer, path), received)

    def _input_of(self, model: str) -> str:
        if model not in self._inputs:
            path = f"/v2/models/{model}"
            status, _headers, body = self._ask("GET", path, None, {})
            metadata = json.loads(checked(status, body, path))
            self._inputs[model] = str(metadata["inputs"][0]["name"])
        return self._inputs[model]


def ask_url(url: str) -> Ask:
    """Return an exchange with the server at ``url``, such as ``http://127.0.0.1:8081``."""
    parts = urlsplit(url)

    def ask(method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
        try:
            connection.request(method, parts.path.rstrip("/") + path, body, dict(headers))
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return response.status, received, response.read()
        finally:
            connection.close()

    return ask


class LocalNetwork:
    """The newest versions of a model repository on this machine, without a server."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._compiled: dict[str, Any] = {}

    def infer(self, model: str, tensor: Floats) -> Floats:
        """Return the first output of the newest version of ``model``."""
        if model not in self._compiled:
            newest = max((self._repository / model).iterdir(), key=lambda path: int(path.name))
            self._compiled[model] = (
                load_openvino().Core().compile_model(newest / "model.xml", "CPU")
            )
        return np.asarray(self._compiled[model](tensor)[0], dtype=np.float32)
