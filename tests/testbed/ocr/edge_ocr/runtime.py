# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that imports OpenVINO: late, and without its usage reports."""

from __future__ import annotations

import sys
from typing import Any


def load_openvino() -> Any:
    """Return the C(openvino) package.

    The import takes a second, so it is left to those who use it. It also sends a usage report to
    a server on the internet when C(openvino_telemetry) can be imported; OpenVINO takes a stub of
    its own when that package is not there (C(openvino/tools/ovc/telemetry_utils.py)).
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
