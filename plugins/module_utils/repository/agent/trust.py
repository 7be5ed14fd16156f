# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The highest accepted release of each signing key, kept on the store; see C(main.py).

One file for each key, C(.edge/trust/<key id>), so that two keys never meet in one file. The exec
transport keeps the same files (C(exec_script.py)).
"""

from __future__ import annotations

import json
import os
import re
from typing import Dict

from . import files as fs

DIRECTORY = "trust"
KEY_ID = re.compile(r"[0-9a-f]{64}")  # sha256 of the public key
MAX_COUNTER = 2**63 - 1
UNREADABLE = -1
LIMIT = 4096  # bytes


def read(work: str) -> Dict[str, int]:
    """Return the counter by key id; -1 for a file that does not say one.

    Args:
        work: C(.edge) of the store.
    """
    top = os.path.join(work, DIRECTORY)
    found: Dict[str, int] = {}
    for name in fs.names_in(top):
        if KEY_ID.fullmatch(name):
            body = fs.read_json(os.path.join(top, name), LIMIT)
            value = body.get("counter") if isinstance(body, dict) else None
            found[name] = int(value) if value is not None and is_counter(value) else UNREADABLE
            if found[name] == UNREADABLE:
                fs.odd.setdefault(os.path.join(top, name), "it does not say a counter")
    return found


def write(work: str, key: str, counter: int) -> int:
    """Keep the higher of C(counter) and what is there; return it, on the disk.

    Raises:
        Refused: 400, not a key id or not a counter.
    """
    if not isinstance(key, str) or not KEY_ID.fullmatch(key) or not is_counter(counter):
        raise fs.Refused(400, "bad key or counter")
    highest = max(counter, read(work).get(key, UNREADABLE))
    top = os.path.join(work, DIRECTORY)
    if not fs.is_dir(top):
        fs.make_dir(top)
        os.chmod(top, 0o770)
        fs.fsync(work)
    path = os.path.join(top, key)
    fs.save(path, json.dumps({"counter": highest}).encode() + b"\n")
    fs.fsync(top)
    return highest


def is_counter(value: object) -> bool:
    """Return whether a value is a whole number that a release may carry."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNTER
