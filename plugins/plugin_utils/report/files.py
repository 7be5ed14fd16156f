# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the files of a report; the only part of it that touches the disk."""

from __future__ import annotations

import os
from typing import Mapping

from ansible_collections.openvino.edge.plugins.module_utils import whole

MODE = 0o644


def write(directory: str, files: Mapping[str, str]) -> None:
    """Write each file whole or not at all; the directory is made if it is missing.

    A reader sees the old file or the new one, for example Prometheus' node exporter, which ignores
    the temporary names.

    Raises:
        OSError: the directory cannot be made or written.
    """
    os.makedirs(directory, exist_ok=True)
    for name, content in files.items():
        whole.write(os.path.join(directory, name), content.encode("utf-8", "replace"), MODE)
