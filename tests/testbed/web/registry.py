# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry to pull from: the files of an image, where github.com/opencontainers/distribution-spec
says that they are (section "Pull"). Pushing is nothing that a mirror of the tests needs."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

from web.webkit import FileServer


def put_image(server: FileServer, archive: Path, name: str, tag: str) -> str:
    """Serve the one image of an OCI archive as NAME:TAG; returns its digest."""
    files = server.manners.files
    with tarfile.open(archive) as layout:
        for member in layout.getmembers():
            stream = layout.extractfile(member)
            if stream and member.name.startswith("blobs/"):
                digest = member.name.removeprefix("blobs/").replace("/", ":")
                files[f"/v2/{name}/blobs/{digest}"] = stream.read()
            elif stream and member.name == "index.json":
                manifest = json.load(stream)["manifests"][0]
    digest = str(manifest["digest"])
    files[f"/v2/{name}/manifests/{digest}"] = files[f"/v2/{name}/blobs/{digest}"]
    files[f"/v2/{name}/manifests/{tag}"] = files[f"/v2/{name}/blobs/{digest}"]
    # Readers look at the type of manifests only.
    server.manners.headers["Content-Type"] = str(manifest["mediaType"])
    return digest
