# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(image_volume): an OCI image with the models, mounted as a volume. Pure.

Image volumes: k8s.io/api core/v1 C(ImageVolumeSource), generally available in Kubernetes 1.36.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ...store import MODELS_DIR, SERVING_MOUNT_PATH
from .. import values

IMAGE_VOLUME_ARGUMENT_SPEC: Dict[str, Any] = {
    "image_volume": {
        "type": "dict",
        "options": {
            "reference": {"type": "str", "required": True},
            "pull_policy": {
                "type": "str",
                "choices": ["IfNotPresent", "Always", "Never"],
                "default": "IfNotPresent",
            },
            "path": {"type": "str", "default": MODELS_DIR},
        },
    }
}

FIRST_VERSION = (1, 36)
# Container runtimes that can mount an image, from the releases that brought it.
RUNTIMES: Dict[str, Tuple[int, int]] = {"containerd": (2, 1), "cri-o": (1, 31)}
_HINT = (
    "Use pvc or host_path, and copy the models with openvino.edge.model_repository. The reference"
    " has to be an image with layers: an OCI artifact, as oras push makes it, would be mounted"
    " empty"
)


@dataclass(frozen=True)
class ImageVolumeStore:
    """An OCI image whose files are the models; the node pulls it like any other.

    Attributes:
        namespace: of the pods.
        reference: of the image.
        pull_policy: when the node pulls it.
        path: directory in the image that has one directory for each model; C("") is its root.
    """

    namespace: str
    reference: str
    pull_policy: str = "IfNotPresent"
    path: str = MODELS_DIR

    def serving_volume(self, name: str = "models") -> Dict[str, Any]:
        """Return the pod volume for a model server."""
        image = {"reference": self.reference, "pullPolicy": self.pull_policy}
        return {"name": name, "image": image}

    def serving_mount(self, name: str = "models") -> Dict[str, Any]:
        """Return the mount that shows the models at /models."""
        mount: Dict[str, Any] = {"name": name, "mountPath": SERVING_MOUNT_PATH, "readOnly": True}
        return {**mount, "subPath": self.path} if self.path else mount

    def __str__(self) -> str:
        return f"image {self.reference}"


def image_volume_store(namespace: str, options: Mapping[str, Any]) -> ImageVolumeStore:
    """Return the typed store of the option.

    Raises:
        InputError: a value that no cluster could take.
    """
    reference = values.image(str(options["reference"]), "image_volume.reference")
    path = str(options.get("path") or "").strip("/")
    if ".." in path.split("/"):
        raise InputError(
            f"'{path}' leaves the image",
            option="image_volume.path",
            hint="Give the directory of the models in the image, or an empty text for its root",
        )
    clean = posixpath.normpath(path) if path else ""
    policy = str(options.get("pull_policy") or "IfNotPresent")
    return ImageVolumeStore(namespace, reference, policy, "" if clean == "." else clean)


def check_version(version: Mapping[str, Any]) -> None:
    """Refuse a cluster that does not know image volumes: it would drop the field without a word.

    Raises:
        InputError: names the cluster's version and other stores.
    """
    text = str(version.get("gitVersion") or "")
    found = _numbers(text)
    if found and found < FIRST_VERSION:
        raise InputError(
            f"image volumes need Kubernetes {_text(FIRST_VERSION)}, the cluster has {text}",
            option="image_volume",
            hint=_HINT,
        )


def check_runtimes(nodes: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a cluster none of whose nodes can mount an image.

    Raises:
        InputError: names the container runtimes of the nodes.
    """
    told = [
        str(((node.get("status") or {}).get("nodeInfo") or {}).get("containerRuntimeVersion") or "")
        for node in nodes
    ]
    if not told or any(_can_mount(text) for text in told):
        return
    wanted = " or ".join(f"{name} {_text(first)}" for name, first in RUNTIMES.items())
    raise InputError(
        f"image volumes need {wanted} on the nodes, they have {', '.join(sorted(set(told)))}",
        option="image_volume",
        hint=_HINT,
    )


def _can_mount(runtime: str) -> bool:
    """Tell whether a runtime (C(containerd://2.1.4)) mounts images; unknown ones may."""
    name, _separator, version = runtime.partition("://")
    first, found = RUNTIMES.get(name), _numbers(version)
    return first is None or found is None or found >= first


def _numbers(text: str) -> Optional[Tuple[int, int]]:
    match = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(match.group(1)), int(match.group(2))) if match else None


def _text(version: Tuple[int, int]) -> str:
    return ".".join(map(str, version))
