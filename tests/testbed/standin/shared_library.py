# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared libraries that a dynamic linker opens, written without a compiler.

They are the smallest files that can stand for libraries of custom nodes: all functions are there
and tell the inputs and outputs of the node; `execute` gives nothing. Layout: the gABI, chapter 5,
and the ELF supplement of the processor.
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
_RELATIVE = {"x86_64": 8, "aarch64": 1027}
_LOAD, _DYNAMIC, _STACK = 1, 2, 0x6474E551
_HASH, _STRINGS, _SYMBOLS, _RELOCATIONS = 4, 5, 6, 7
_RELOCATIONS_SIZE, _RELOCATION_SIZE, _STRINGS_SIZE, _SYMBOL_SIZE = 8, 9, 10, 11
_HEADER, _SEGMENT, _SYMBOL, _RELOCATION, _INFO, _FUNCTION = 64, 56, 24, 24, 32, 32
_FP32, _DIMENSIONS = 1, 4


def shared_library(
    symbols: Sequence[str] = NODE_SYMBOLS,
    mark: bytes = b"",
    *,
    inputs: Sequence[str] = ("x",),
    outputs: Sequence[str] = ("y",),
    failing: bool = False,
) -> bytes:
    """Return a library for this machine that exports the symbols; C(mark) makes it another one.

    The node has these inputs and outputs, FP32 with four dimensions of any size. With C(failing)
    its C(initialize) says that something went wrong.
    """
    tensors = (*inputs, *outputs)
    names, offsets = b"\0", {}
    for name in (*symbols, *tensors):
        offsets[name] = len(names)
        names += name.encode() + b"\0"
    names += b"\0" * (-len(names) % 8)
    strings_at = _HEADER + 3 * _SEGMENT
    symbols_at = strings_at + len(names)
    hash_at = symbols_at + _SYMBOL * (len(symbols) + 1)
    hashes = _chain(len(symbols))
    relocations_at = hash_at + len(hashes)
    dynamic_at = relocations_at + 2 * _RELOCATION * len(tensors)
    code_at = dynamic_at + 16 * 9
    infos_at = code_at + 4 * _FUNCTION
    dims_at = infos_at + _INFO * len(tensors)
    pointers = []
    for position, name in enumerate(tensors):
        at = infos_at + _INFO * position
        pointers += [(at, strings_at + offsets[name]), (at + 8, dims_at)]
    dynamic = _dynamic(strings_at, len(names), symbols_at, hash_at, relocations_at, len(pointers))
    outputs_at = infos_at + _INFO * len(inputs)
    code = (
        _constant(0)
        + _tell(code_at + _FUNCTION, infos_at, len(inputs))
        + _tell(code_at + 2 * _FUNCTION, outputs_at, len(outputs))
        + _constant(int(failing))
    )
    special = ("getInputsInfo", "getOutputsInfo", "initialize")
    places = {name: code_at + _FUNCTION * (n + 1) for n, name in enumerate(special)}
    table = bytes(_SYMBOL) + b"".join(
        _symbol(offsets[name], places.get(name, code_at)) for name in symbols
    )
    infos = struct.pack("<QQQii", 0, 0, _DIMENSIONS, _FP32, 0) * len(tensors)
    body = names + table + hashes + _relocations(pointers) + dynamic + code + infos
    body += bytes(8 * _DIMENSIONS) + mark
    total = strings_at + len(body)
    segments = (
        _segment(_LOAD, 7, 0, total, 0x1000),
        _segment(_DYNAMIC, 6, dynamic_at, len(dynamic), 8),
        _segment(_STACK, 6, 0, 0, 16),
    )
    return _header(len(segments)) + b"".join(segments) + body


def _dynamic(
    strings: int, strings_size: int, symbols: int, hashes: int, relocations: int, pointers: int
) -> bytes:
    entries = (
        (_HASH, hashes),
        (_STRINGS, strings),
        (_SYMBOLS, symbols),
        (_STRINGS_SIZE, strings_size),
        (_SYMBOL_SIZE, _SYMBOL),
        (_RELOCATIONS, relocations),
        (_RELOCATIONS_SIZE, _RELOCATION * pointers),
        (_RELOCATION_SIZE, _RELOCATION),
        (0, 0),
    )
    return b"".join(struct.pack("<qQ", *item) for item in entries)


def _relocations(pointers: Sequence[tuple[int, int]]) -> bytes:
    """Return what makes addresses of the loaded file out of places in it."""
    kind = _RELATIVE[platform.machine()]
    return b"".join(struct.pack("<QQq", at, kind, value) for at, value in pointers)


def _constant(value: int) -> bytes:
    """Return a function that returns a number and does nothing."""
    if platform.machine() == "x86_64":
        code = b"\xb8" + struct.pack("<i", value) + b"\xc3"  # mov eax, value; ret
    else:
        code = struct.pack("<II", 0x52800000 | value << 5, 0xD65F03C0)  # mov w0, #value; ret
    return code.ljust(_FUNCTION, b"\0")


def _tell(here: int, infos: int, count: int) -> bytes:
    """Return a function that stores where the infos are and how many, and returns 0."""
    if platform.machine() == "x86_64":
        # lea rax, [rip + distance]; mov [rdi], rax; mov dword [rsi], count; xor eax, eax; ret
        code = b"\x48\x8d\x05" + struct.pack("<i", infos - here - 7) + b"\x48\x89\x07"
        code += b"\xc7\x06" + struct.pack("<i", count) + b"\x31\xc0\xc3"
    else:
        # adr x9, infos; str x9, [x0]; mov w9, #count; str w9, [x1]; mov w0, #0; ret
        far = infos - here
        adr = 0x10000009 | (far & 3) << 29 | (far >> 2 & 0x7FFFF) << 5
        words = (adr, 0xF9000009, 0x52800009 | count << 5, 0xB9000029, 0x52800000, 0xD65F03C0)
        code = struct.pack("<6I", *words)
    return code.ljust(_FUNCTION, b"\0")


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
