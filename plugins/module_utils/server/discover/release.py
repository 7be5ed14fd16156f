# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the release of OVMS from running servers, if neither option nor image tag tells it.

C(GET /v2) answers with the version in every release from 2022.2 on (openvinotoolkit/model_server,
src/http_rest_api_handler.cpp). The release only decides what is refused, not what is rendered, so
the objects are the same whether or not a server is running.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Iterator, List, Optional

from ...errors import EdgeError
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..config.generation import OLDEST, UNKNOWN, Generation, Release
from ..render.identity import Object
from ..spec.running import CONTAINER
from ..spec.server import ServerSpec
from ..status.progress import ready_pods
from . import live

METADATA_PATH = "/v2"
# It answers from memory.
ANSWER_SECONDS = 5.0
NOBODY_TOLD = "the image does not tell its release, and no server that runs it does"
_VERSION = re.compile(r"(20\d\d)\.(\d{1,2})(?![0-9]).*")


def matters(spec: ServerSpec) -> bool:
    """Tell whether the release is unknown and needed to decide what to refuse."""
    if spec.generation.known:
        return False
    odd = any(model.stateful or model.is_graph for model in spec.models)
    return odd or bool(spec.config.config_map)


def probed(client: KubeClient, spec: ServerSpec, runtime: Runtime) -> ServerSpec:
    """Return the spec with the release that its running servers report, if they agree.

    Only pods with the wanted image are queried, one for each image id.
    """
    releases = set(_releases(client, spec))
    release = releases.pop() if len(releases) == 1 else None
    if release is None:
        return replace(spec, generation=replace(UNKNOWN, source=NOBODY_TOLD))
    found = Generation(release, "told by a running server", probed=True)
    runtime.progress(f"{spec.name}: the running server is {found}")
    return replace(spec, generation=found)


def _releases(client: KubeClient, spec: ServerSpec) -> Iterator[Optional[Release]]:
    try:
        pods = live.read_pods(client, spec.namespace, spec.name)[0]
    except EdgeError:
        return
    asked: List[str] = []
    for pod in ready_pods(pods):
        image_id = _image_id(pod, spec.image)
        if image_id is None or image_id in asked:
            continue
        asked.append(image_id)
        yield _ask(client, spec.namespace, pod, _rest_port(pod) or spec.rest_port)


def _image_id(pod: Object, image: str) -> Optional[str]:
    """Return the id of a server's image, C(None) if it runs another one."""
    containers = (pod.get("spec") or {}).get("containers") or ()
    if not any(item.get("name") == CONTAINER and item.get("image") == image for item in containers):
        return None
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    ids = [str(item.get("imageID") or "") for item in statuses if item.get("name") == CONTAINER]
    return ids[0] if ids else ""


def _rest_port(pod: Object) -> int:
    """Return the present REST port of a pod; the spec may have another. 0 when it is unknown."""
    for container in (pod.get("spec") or {}).get("containers") or ():
        for port in container.get("ports") or ():
            if container.get("name") == CONTAINER and port.get("name") == "rest":
                return int(port["containerPort"])
    return 0


def _ask(client: KubeClient, namespace: str, pod: Object, port: int) -> Optional[Release]:
    name = str(pod["metadata"]["name"])
    try:
        answer = client.pod_proxy(
            namespace, name, port, "GET", METADATA_PATH, timeout=ANSWER_SECONDS
        )
        document = json.loads(answer.body) if answer.status == 200 else {}
        match = _VERSION.fullmatch(str(document["version"]))
    except (EdgeError, ValueError, KeyError, TypeError):
        return None
    if not match:
        return None
    release = (int(match.group(1)), int(match.group(2)))
    return release if release >= OLDEST else None
