# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release of OVMS as running servers tell it, where neither option nor tag does.

C(GET /v2) answers with the version in every release from 2022.2 on (openvinotoolkit/model_server,
src/http_rest_api_handler.cpp). What is written does not depend on it, only what is refused: so a
run gives the same objects whether a server runs already or not.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Iterator, List, Optional

from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import live
from ansible_collections.openvino.edge.plugins.module_utils.server.generation import (
    OLDEST,
    UNKNOWN,
    Generation,
    Release,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import Object
from ansible_collections.openvino.edge.plugins.module_utils.server.progress import ready_pods
from ansible_collections.openvino.edge.plugins.module_utils.server.running import CONTAINER
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec

METADATA_PATH = "/v2"
# It answers from memory.
ANSWER_SECONDS = 5.0
NOBODY_TOLD = "the image does not tell its release, and no server that runs it does"
_VERSION = re.compile(r"(20\d\d)\.(\d{1,2})(?![0-9]).*")


def matters(spec: ServerSpec) -> bool:
    """Tell whether the release is not known and decides what is refused."""
    if spec.generation.known:
        return False
    odd = any(model.stateful or model.is_graph for model in spec.models)
    return odd or bool(spec.config.config_map)


def probed(client: KubeClient, spec: ServerSpec, runtime: Runtime) -> ServerSpec:
    """Return the spec with the release that its running servers tell, if they agree on one.

    Only servers of the very image that is asked for are asked, one for each image id.
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
        yield _ask(client, spec, str(pod["metadata"]["name"]))


def _image_id(pod: Object, image: str) -> Optional[str]:
    """Return the id of a server's image, C(None) if it runs another one."""
    containers = (pod.get("spec") or {}).get("containers") or ()
    if not any(item.get("name") == CONTAINER and item.get("image") == image for item in containers):
        return None
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    ids = [str(item.get("imageID") or "") for item in statuses if item.get("name") == CONTAINER]
    return ids[0] if ids else ""


def _ask(client: KubeClient, spec: ServerSpec, pod: str) -> Optional[Release]:
    try:
        answer = client.pod_proxy(
            spec.namespace, pod, spec.rest_port, "GET", METADATA_PATH, timeout=ANSWER_SECONDS
        )
        document = json.loads(answer.body) if answer.status == 200 else {}
        match = _VERSION.fullmatch(str(document["version"]))
    except (EdgeError, ValueError, KeyError, TypeError):
        return None
    if not match:
        return None
    release = (int(match.group(1)), int(match.group(2)))
    return release if release >= OLDEST else None
