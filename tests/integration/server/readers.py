# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenShift's own Python client reads back what was written: nobody here wrote it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from openshift.dynamic import DynamicClient


def read_all(cluster: Any, api_version: str, kind: str, namespace: str | None = None) -> Any:
    """Return all objects of a kind by name, as dictionaries.

    The kinds of the cluster are looked up anew: the package keeps what it found in a file of the
    machine's directory for temporary files, and a kind of a test comes and goes.
    """
    with tempfile.TemporaryDirectory() as folder:
        client = DynamicClient(cluster.api, cache_file=str(Path(folder, "kinds.json")))
        found = client.resources.get(api_version=api_version, kind=kind).get(namespace=namespace)
        return {item.metadata.name: item.to_dict() for item in found.items}
