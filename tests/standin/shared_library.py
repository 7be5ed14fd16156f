# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared libraries that a dynamic linker opens, written without a compiler.

They are the smallest files that can stand for libraries of custom nodes: all names are there and
nothing can be called. Layout: the gABI, chapter 5, and the ELF supplement of the processor.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Sequence

# What a library must have: openvinotoolkit/model_server, src/custom_node_interface.h.
NODE_SYMBOLS = (
    "initialize",
    "deinitialize",
    "execute",
    "getInputsInfo",
    "getOutputsInfo",
    "release",
)
_MACHINES = {"x86_64": 62, "aarch64": 183}
_LOAD, _DYNAMIC, _STACK = 1, 2, 0x6474E551
_HASH, _STRINGS, _SYMBOLS, _STRINGS_SIZE, _SYMBOL_SIZE = 4, 5, 6, 10, 11
_HEADER, _SEGMENT, _SYMBOL = 64, 56, 24


def shared_library(symbols: Sequence[str] = NODE_SYMBOLS, mark: bytes = b"") -> bytes:
    """Return a library for this machine that exports the symbols; C(mark) makes it another one."""
    names, offsets = b"\0", []
    for symbol in symbols:
        offsets.append(len(names))
        names += symbol.encode() + b"\0"
    names += b"\0" * (-len(names) % 8)
    strings_at = _HEADER + 3 * _SEGMENT
    symbols_at = strings_at + len(names)
    table_size = _SYMBOL * (len(symbols) + 1)
    hash_at = symbols_at + table_size
    hashes = _chain(len(symbols))
    dynamic_at = hash_at + len(hashes)
    entries = (
        (_HASH, hash_at),
        (_STRINGS, strings_at),
        (_SYMBOLS, symbols_at),
        (_STRINGS_SIZE, len(names)),
        (_SYMBOL_SIZE, _SYMBOL),
        (0, 0),
    )
    dynamic = b"".join(struct.pack("<qQ", *item) for item in entries)
    code_at = dynamic_at + len(dynamic)
    table = bytes(_SYMBOL) + b"".join(_symbol(offset, code_at) for offset in offsets)
    body = names + table + hashes + dynamic + bytes(16) + mark
    total = strings_at + len(body)
    segments = (
        _segment(_LOAD, 7, 0, total, 0x1000),
        _segment(_DYNAMIC, 6, dynamic_at, len(dynamic), 8),
        _segment(_STACK, 6, 0, 0, 16),
    )
    return _header(len(segments)) + b"".join(segments) + body


def _chain(count: int) -> bytes:
    """Return a hash table of one bucket, in which every name is found."""
    following = [*range(2, count + 1), 0] if count else []
    words = [1, count + 1, 1 if count else 0, 0, *following]
    words += [0] * (len(words) % 2)
    return struct.pack(f"<{len(words)}I", *words)


def _symbol(name: int, value: int) -> bytes:
    """Return a global function; any section number but 0 says that it is defined."""
    return struct.pack("<IBBHQQ", name, 0x12, 0, 1, value, 1)


def _segment(kind: int, flags: int, at: int, size: int, align: int) -> bytes:
    return struct.pack("<IIQQQQQQ", kind, flags, at, at, at, size, size, align)


def _header(segments: int) -> bytes:
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    machine = _MACHINES[platform.machine()]
    sizes = (_HEADER, _SEGMENT, segments, 64, 0, 0)
    return ident + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, _HEADER, 0, 0, *sizes)
