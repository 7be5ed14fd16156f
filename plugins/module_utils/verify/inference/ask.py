# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks one replica for inferences, through the API server's pod proxy."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import ApiError, UnreachableError, may_pass
from .protocol import (
    LIVE_PATH,
    Answer,
    Metadata,
    decode,
    encode,
    infer_path,
    model_path,
    parse_metadata,
    reason,
)
from .tensors import Tensor

if TYPE_CHECKING:
    from ...kube.client import KubeClient
    from ...kube.types import Response

NOT_FOUND = 404


class Refusal(Exception):
    """A replica gave no answer to compare; C(status) is its HTTP code, 0 without one."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Asker:
    """Asks the pods of one server; may be used from several threads.

    Attributes:
        client: the API server.
        namespace: of the pods.
        port: the REST port.
        timeout: longest silence in seconds.
        clock: seconds.
    """

    client: KubeClient
    namespace: str
    port: int
    timeout: float = 60.0
    clock: Callable[[], float] = time.perf_counter

    def metadata(self, pod: str, model: str, version: Optional[int]) -> Metadata:
        """Return what goes into a model and comes out.

        Raises:
            Refusal: no answer, or it does not serve this.
        """
        response = self._request(pod, "GET", model_path(model, version))[0]
        try:
            return parse_metadata(response.body)
        except ValueError as error:
            raise Refusal(str(error)) from None

    def infer(
        self,
        pod: str,
        model: str,
        version: Optional[int],
        inputs: Sequence[Tensor],
        outputs: Sequence[str],
    ) -> Tuple[Answer, float]:
        """Return an answer, and the seconds until all of it was there.

        Raises:
            Refusal: no answer, or one that is an error or cannot be read.
        """
        body, headers = encode(inputs, outputs)
        path = infer_path(model, version)
        response, seconds = self._request(pod, "POST", path, body, headers)
        try:
            return decode(response.headers, response.body), seconds
        except ValueError as error:
            raise Refusal(f"the answer cannot be read: {error}") from None

    def empty(self, pod: str) -> float:
        """Return the seconds of a request that the server answers at once.

        Raises:
            Refusal: no answer.
        """
        return self._request(pod, "GET", LIVE_PATH)[1]

    def times(
        self,
        pod: str,
        wanted: Sequence[Tuple[str, Optional[int]]],
        inputs: Sequence[Tensor],
        outputs: Sequence[str],
        requests: int,
    ) -> Tuple[List[List[float]], List[float]]:
        """Return the seconds of warm inferences of several models, and of empty requests.

        The models take turns, so that what else happens on the node touches all of them. The first
        inference of each is not counted.

        Raises:
            Refusal: one has no answer.
        """
        for model, version in wanted:
            self.infer(pod, model, version, inputs, outputs)
        found: List[List[float]] = [[] for _item in wanted]
        empty = []
        for _turn in range(requests):
            empty.append(self.empty(pod))
            for times, (model, version) in zip(found, wanted):
                times.append(self.infer(pod, model, version, inputs, outputs)[1])
        return found, empty

    def _request(
        self,
        pod: str,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Tuple[Response, float]:
        """Send a request, a second time if it may go well then: an inference changes nothing."""
        named: Dict[str, str] = dict(headers or {})
        for last in (False, True):
            begun = self.clock()
            try:
                response = self.client.pod_proxy(
                    self.namespace,
                    pod,
                    self.port,
                    method,
                    path,
                    body=body,
                    headers=named,
                    timeout=self.timeout,
                )
                break
            except (UnreachableError, ApiError) as error:
                if last or not may_pass(error):
                    raise Refusal(str(error)) from None
        seconds = self.clock() - begun
        if response.status != 200:
            text = f"HTTP {response.status}: {reason(response.body)}"
            raise Refusal(text, response.status)
        return response, seconds
