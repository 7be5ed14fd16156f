# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where models of the tests lie that servers read themselves: buckets and images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
TESTBED = TESTS / "testbed"
sys.path[:0] = [str(TESTS), str(TESTBED), str(TESTBED / "lab")]

from oci import LayerFile, write_image, write_layer  # noqa: E402

LAB = TESTBED / "lab" / "lab"
Files = dict[str, bytes]


def host_address(cluster: str) -> str:
    """Return an address of this machine that pods of a cluster reach; it is outside the cluster."""
    if os.environ.get("EDGE_HOST_ADDRESS"):
        return os.environ["EDGE_HOST_ADDRESS"]
    done = subprocess.run([str(LAB), "status", "--json"], capture_output=True, check=True)
    found = {item["name"]: item["gateway"] for item in json.loads(done.stdout)}
    return str(found[cluster])


def fill_bucket(place: Path, versions: dict[int, Files]) -> None:
    """Write the versions of a model below a directory."""
    for version, files in versions.items():
        (place / str(version)).mkdir(parents=True)
        for name, content in files.items():
            (place / str(version) / name).write_bytes(content)


def write_models_image(work: Path, reference: str, models: dict[str, dict[int, Files]]) -> Path:
    """Write an image with models as an OCI archive."""
    files: list[Any] = [
        LayerFile(f"models/{model}/{version}/{name}", content, 0o644)
        for model, versions in models.items()
        for version, content_by_name in versions.items()
        for name, content in content_by_name.items()
    ]
    write_layer(work / "layer.tar", files)
    write_image(work / "image.tar", reference, [work / "layer.tar"], {})
    return work / "image.tar"


def load_models_image(
    work: Path, cluster: str, reference: str, models: dict[str, dict[int, Files]]
) -> str:
    """Bring an image with models to the nodes of a lab's cluster and return its name."""
    if os.environ.get("EDGE_MODELS_IMAGE"):
        return os.environ["EDGE_MODELS_IMAGE"]
    archive = write_models_image(work, reference, models)
    command = [str(LAB), "load-image", str(archive), "--cluster", cluster]
    subprocess.run(command, check=True, capture_output=True)
    return reference
