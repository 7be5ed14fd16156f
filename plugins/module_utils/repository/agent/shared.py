# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller and the script in the helper pod have to agree on.

The controller imports this in the place of the modules that use it, which it would have to compile
in each play. The upload format (C(delta/pack.py) writes it, C(agent/pack.py) reads it) has these
records, big endian, lengths in bytes::

    F u32 number, u64 offset       file <number> follows from <offset> on; its part is cut to that
    B u16 length, JSON             the basis of the copies of this file
    D u32 length, bytes            literal bytes
    Z u32 raw, u32 length, zlib    literal bytes, compressed
    C u64 offset, u64 length       bytes of the basis
    E                              the file is complete: verify it
"""

from __future__ import annotations

import struct
from typing import Any, Mapping

FILE = struct.Struct(">IQ")
BASIS = struct.Struct(">H")
DATA = struct.Struct(">I")
ZIPPED = struct.Struct(">II")
COPY = struct.Struct(">QQ")

MAX_RAW = 256 << 10  # raw bytes of one literal record

LONGEST_PAUSE = 3600.0  # seconds for which a helper stays without a task
SECRETS = "/edge-secret"  # where the Secret with the credentials is mounted
# Keys of a Secret, by what they mean; the second names are those of many existing Secrets.
KEY_NAMES: Mapping[str, Any] = {
    "access_key": ("access_key", "AWS_ACCESS_KEY_ID"),
    "secret_key": ("secret_key", "AWS_SECRET_ACCESS_KEY"),
    "session_token": ("session_token", "AWS_SESSION_TOKEN"),
    "username": ("username",),
    "password": ("password",),
    "bearer_token": ("bearer_token",),
    "http_proxy": ("http_proxy",),
    "https_proxy": ("https_proxy",),
}
