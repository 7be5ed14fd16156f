# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tensors: a name, a datatype, a shape and raw bytes that fit together. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

from .datatypes import TEXT, Datatype, datatype_of, pack, unpack
from .npy import is_npy, parse_npy

VALUES = ("data", "file", "base64")  # keys of an entry, each of which gives its values

Shape = Tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """One input or output; C(raw) is little-endian and row by row."""

    name: str
    datatype: Datatype
    shape: Shape
    raw: bytes

    def values(self) -> Sequence[Any]:
        """Return its values, one after the other."""
        return unpack(self.raw, self.datatype)


def count_of(shape: Shape) -> int:
    """Return how many values a shape has."""
    count = 1
    for dimension in shape:
        count *= dimension
    return count


def from_raw(name: str, datatype: Datatype, shape: Shape, raw: bytes) -> Tensor:
    """Return a tensor of raw bytes.

    Raises:
        ValueError: their number does not fit the shape.
    """
    wanted = count_of(shape)
    if datatype.kind == TEXT:
        there = len(unpack(raw, datatype))
        if there != wanted:
            raise ValueError(f"{there} elements, but the shape {list(shape)} has {wanted}")
    elif len(raw) != wanted * datatype.size:
        raise ValueError(
            f"{len(raw)} bytes, but {datatype.name} of the shape {list(shape)} has"
            f" {wanted * datatype.size}"
        )
    return Tensor(name, datatype, shape, raw)


def from_data(name: str, datatype: Datatype, shape: Shape, data: Any) -> Tensor:
    """Return a tensor of values, in one list or in lists within lists.

    Raises:
        ValueError: they do not fit the shape or the datatype.
    """
    nested = nesting(data)
    values = flat(data)
    wanted = count_of(shape)
    if len(values) != wanted:
        raise ValueError(f"{len(values)} values, but the shape {list(shape)} has {wanted}")
    if len(nested) > 1 and nested != shape:
        raise ValueError(f"the lists are nested as {list(nested)}, the shape is {list(shape)}")
    return Tensor(name, datatype, shape, pack(values, datatype))


def from_file(name: str, datatype: Any, shape: Any, content: bytes) -> Tensor:
    """Return a tensor of a file: .npy tells its datatype and shape, raw bytes need them.

    Args:
        name: of the tensor.
        datatype: name of the datatype, None where a .npy file tells it.
        shape: None where a .npy file tells it.
        content: of the file.

    Raises:
        ValueError: they do not fit.
    """
    if not is_npy(content):
        if datatype is None or shape is None:
            raise ValueError("a file that is no .npy file needs 'datatype' and 'shape' beside it")
        return from_raw(name, datatype_of(datatype), shape, content)
    told, found, raw = parse_npy(content)
    if datatype not in (None, told):
        raise ValueError(f"the file holds {told}, and 'datatype' says {datatype}")
    if shape is not None and count_of(shape) != count_of(found):
        raise ValueError(f"the file has the shape {list(found)}, and 'shape' says {list(shape)}")
    return from_raw(name, datatype_of(told), found if shape is None else shape, raw)


def from_entry(item: Mapping[str, Any], read: Callable[[str], bytes]) -> Optional[Tensor]:
    """Return the tensor of an entry of a file or an option, None if it has no values.

    Args:
        item: has C(name), and may have C(datatype), C(shape) and one of C(VALUES).
        read: returns the content of a file.

    Raises:
        ValueError: what it has does not fit together.
    """
    given = [key for key in VALUES if item.get(key) is not None]
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError("a tensor needs a 'name'")
    if len(given) > 1:
        raise ValueError(f"it has both '{given[0]}' and '{given[1]}'")
    if not given:
        return None
    shape = None if item.get("shape") is None else shape_of(item["shape"])
    if given == ["file"]:
        try:
            content = read(str(item["file"]))
        except OSError as error:
            reason = error.strerror
            raise ValueError(f"the file {item['file']} cannot be read: {reason}") from None
        return from_file(name, item.get("datatype"), shape, content)
    if item.get("datatype") is None or shape is None:
        raise ValueError("it needs 'datatype' and 'shape'")
    datatype = datatype_of(item["datatype"])
    try:
        if given == ["data"]:
            return from_data(name, datatype, shape, item["data"])
        return from_raw(name, datatype, shape, base64.b64decode(item["base64"], validate=True))
    except TypeError as error:
        raise ValueError(str(error)) from None


def shape_of(value: Any) -> Shape:
    """Return a shape as files and answers have it.

    Raises:
        ValueError: it is no list of whole numbers from 0.
    """
    good = isinstance(value, (list, tuple)) and all(
        isinstance(item, int) and not isinstance(item, bool) and item >= 0 for item in value
    )
    if not good:
        raise ValueError(f"{value!r} is no shape: a list of whole numbers from 0")
    return tuple(value)


def nesting(data: Any) -> Shape:
    """Return how long the lists within lists are, by the first of each."""
    lengths: List[int] = []
    while isinstance(data, (list, tuple)):
        lengths.append(len(data))
        data = data[0] if data else None
    return tuple(lengths)


def flat(data: Any) -> List[Any]:
    """Return the values of lists within lists; a single value counts as a list of one."""
    if not isinstance(data, (list, tuple)):
        return [data]
    if not any(isinstance(item, (list, tuple)) for item in data):
        return list(data)
    found: List[Any] = []
    for item in data:
        found.extend(flat(item))
    return found


def place(index: int, shape: Shape) -> List[int]:
    """Return the index of a value in each dimension."""
    found: List[int] = []
    for dimension in reversed(shape):
        index, rest = divmod(index, dimension)
        found.append(rest)
    return found[::-1]
