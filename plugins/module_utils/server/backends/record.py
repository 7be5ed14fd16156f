# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a server with a controller: the optional kinds that were applied. Pure."""

from __future__ import annotations

from typing import List, Sequence

from ..render import kinds
from ..render.identity import Object, metadata_of, with_input_hash
from ..spec.backend import BACKEND_KEY
from ..spec.server import ServerSpec
from .names import record_name


def recorded(spec: ServerSpec, objects: Sequence[Object]) -> List[Object]:
    """Return the objects with their hashes, the record ConfigMap before them.

    The record is applied first. It lists the optional kinds, so that a later run can remove them.
    """
    name = record_name(spec.backend, spec.name)
    record = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata_of(spec, name),
        "data": {BACKEND_KEY: spec.backend},
    }
    listed = kinds.with_record([record, *objects], ("ConfigMap", name))
    return [with_input_hash(item) for item in listed]
