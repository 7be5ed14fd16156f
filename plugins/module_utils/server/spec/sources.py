# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of a server's models: a store of the collection, an image, or a bucket. Pure."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Union

from ...errors import InputError
from ...store import (
    SERVING_MOUNT_PATH,
    STORE_ARGUMENT_SPEC,
    HostPathStore,
    PvcStore,
    checked_namespace,
    store_from_params,
)
from .cloud import CLOUD_ARGUMENT_SPEC, CloudStore, cloud_store
from .image_volume import IMAGE_VOLUME_ARGUMENT_SPEC, ImageVolumeStore, image_volume_store

SOURCE_ARGUMENT_SPEC: Dict[str, Any] = {
    **STORE_ARGUMENT_SPEC,
    **CLOUD_ARGUMENT_SPEC,
    **IMAGE_VOLUME_ARGUMENT_SPEC,
}
SOURCES = ("pvc", "host_path", "cloud", "image_volume")

# OVMS downloads into /tmp before it loads (openvinotoolkit/model_server, src/filesystem.cpp), and
# the kubelet evicts a pod that fills more than the limit.
CLOUD_TMP_SIZE = "8Gi"
TMP_SIZE = "256Mi"

Source = Union[PvcStore, HostPathStore, CloudStore, ImageVolumeStore]


def source_from_params(params: Mapping[str, Any]) -> Source:
    """Return the typed source of the options C(pvc), C(host_path), C(cloud) or C(image_volume).

    Raises:
        InputError: a value that no cluster could take.
    """
    given = [name for name in SOURCES if params.get(name)]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} exclude each other", option=given[0])
    if given == ["cloud"]:
        own = bool(params.get("config_map"))
        return cloud_store(checked_namespace(params), params["cloud"], own=own)
    if given == ["image_volume"]:
        return image_volume_store(checked_namespace(params), params["image_volume"])
    return store_from_params(params)


def models_root(source: Source) -> str:
    """Return the parent directory of the models, as the server sees it."""
    return source.models_root if isinstance(source, CloudStore) else SERVING_MOUNT_PATH


def default_tmp_size(source: Source) -> str:
    """Return the size of C(/tmp) where none is given."""
    return CLOUD_TMP_SIZE if isinstance(source, CloudStore) else TMP_SIZE


def held_by_one_node(source: Source) -> bool:
    """Tell whether an old pod may block a new one, as only its node can mount the store."""
    return isinstance(source, (PvcStore, HostPathStore))
