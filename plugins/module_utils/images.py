# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of OVMS that is used where a task names none."""

from __future__ import annotations

DEFAULT_SERVER_IMAGE = "docker.io/openvino/model_server:2026.3.1"
"""The newest patch of the newest release whose command line, schema of C(config.json) and answers
this collection knows (C(KSERVE_ONLY) in C(server/config/generation.py)).

Source: https://github.com/openvinotoolkit/model_server/releases/tag/v2026.3.1, which names the
tag, and the variant with drivers of GPU and NPU: the same tag with C(-gpu).
"""
