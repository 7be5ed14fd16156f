# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of the models in the pod: volumes, mounts and variables. Pure."""

from __future__ import annotations

from typing import Any, Dict, List

from ..spec.cloud import CloudStore
from ..spec.sources import Source
from . import cloud


def volumes(server: str, source: Source) -> List[Dict[str, Any]]:
    """Return the pod volumes with the models, or with what leads to them."""
    if isinstance(source, CloudStore):
        return cloud.volumes(server, source)
    return [source.serving_volume()]


def mounts(source: Source) -> List[Dict[str, Any]]:
    """Return the mounts of the same."""
    return cloud.mounts(source) if isinstance(source, CloudStore) else [source.serving_mount()]


def environment(server: str, source: Source) -> List[Dict[str, Any]]:
    """Return the variables that lead to the models."""
    return cloud.environment(server, source) if isinstance(source, CloudStore) else []
