# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The golden file: inputs, and what a model has to answer. Pure: files are read by the caller.

A file is YAML or JSON. Every mistake is an error that names the file, the case and the tensor, and
a key that is not known is one, so that a misspelt tolerance is not silently the usual one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from .boxes import Boxes, boxes_of, check_columns
from .compare import Classes, Expected, How, Numbers, best_classes
from .datatypes import datatype_of, number
from .tensors import VALUES, Tensor, count_of, from_entry

FORMAT = 1
HINT = "The page docs/golden.md has the format"
TOP_KEYS = ("golden", "model", "version", "rtol", "atol", "max_latency_ms", "cases")
CASE_KEYS = (
    "name",
    "model",
    "version",
    "rtol",
    "atol",
    "max_latency_ms",
    "inputs",
    "outputs",
    "recorded",
)
INPUT_KEYS = ("name", "datatype", "shape", "data", "file", "base64")
HOW_KEYS: Dict[str, Tuple[str, ...]] = {
    "numbers": ("rtol", "atol"),
    "classes": ("top_k", "classes"),
    "boxes": ("iou", "score_tolerance", "min_score", "columns"),
}

Read = Callable[[str], bytes]


@dataclass(frozen=True)
class Case:
    """One question to a model, and the answer to it.

    Attributes:
        name: of the case.
        model: whom to ask.
        version: which version of it; None where the file names none.
        inputs: what to send.
        outputs: what has to come back; empty before it is recorded.
        source: the case as the file has it.
        path: of the file.
        max_latency_ms: absolute bound of the file, None without one.
        latency_ms: what was recorded with the outputs, None without it.
    """

    name: str
    model: str
    version: Optional[int]
    inputs: Tuple[Tensor, ...]
    outputs: Tuple[Expected, ...]
    source: Mapping[str, Any] = field(default_factory=dict, compare=False)
    path: str = ""
    max_latency_ms: Optional[float] = None
    latency_ms: Optional[float] = None

    def __str__(self) -> str:
        return f"{self.path}, case '{self.name}'"


def parse(document: Any, path: str, read: Read, *, recording: bool = False) -> List[Case]:
    """Return the cases of a golden file.

    Args:
        document: what YAML or JSON made of it.
        path: of the file, for messages.
        read: returns the content of a file that a tensor names.
        recording: outputs may have no values yet, or be missing.

    Raises:
        InputError: something in it is not as it has to be.
    """
    top = _Place(path)
    mapping = top.mapping(document, TOP_KEYS)
    if mapping.get("golden") != FORMAT:
        raise top.error(
            f"it does not begin with 'golden: {FORMAT}'",
            "That line tells a golden file of this format from any other file",
        )
    cases = mapping.get("cases")
    if not isinstance(cases, list) or not cases:
        raise top.error("it has no list 'cases' with at least one case")
    found = [_case(top, mapping, item, at, read, recording) for at, item in enumerate(cases)]
    names = [(case.name, case.model, case.version) for case in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise top.error(f"the case '{twice[0]}' is there twice")
    return found


@dataclass(frozen=True)
class _Place:
    """Where in a file something is, for messages."""

    path: str
    words: str = ""

    def at(self, words: str) -> _Place:
        return _Place(self.path, f"{self.words}, {words}" if self.words else words)

    def error(self, message: str, hint: str = "") -> InputError:
        text = f"{self.words}: {message}" if self.words else message
        return InputError(text, option="golden", subject=self.path, hint=hint or HINT)

    def mapping(self, value: Any, keys: Iterable[str]) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self.error("it is no mapping")
        unknown = [str(key) for key in value if key not in keys]
        if unknown:
            raise self.error(f"the key '{unknown[0]}' is unknown; there are {', '.join(keys)}")
        return value

    def number(self, value: Any, name: str, least: float = 0.0) -> float:
        try:
            found = number(value)
        except ValueError as error:
            raise self.error(f"{name}: {error}") from None
        if not least <= found < float("inf"):
            raise self.error(f"{name} is {found:g}; it has to be finite and at least {least:g}")
        return found


def _case(
    top: _Place, document: Mapping[str, Any], item: Any, at: int, read: Read, recording: bool
) -> Case:
    given = str(item.get("name") or "") if isinstance(item, Mapping) else ""
    here = top.at(f"case '{given or at + 1}'")
    case = {**{key: document.get(key) for key in ("model", "version")}}
    case.update(here.mapping(item, CASE_KEYS))
    model, version = case.get("model"), case.get("version")
    if not isinstance(model, str) or not model:
        raise here.error("it names no 'model', and the file names none for all cases")
    if version is not None and (not isinstance(version, int) or version < 1):
        raise here.error("'version' is a whole number from 1")
    inputs = tuple(_input(here, entry, read) for entry in _list(here, case, "inputs"))
    if not inputs:
        raise here.error("it has no 'inputs'")
    outputs: Sequence[Any] = _list(here, case, "outputs")
    if not outputs and not recording:
        raise here.error("it has no 'outputs'", "Record them: openvino.edge.golden_record")
    usual = {key: case.get(key, document.get(key)) for key in ("rtol", "atol")}
    latency = case.get("max_latency_ms", document.get("max_latency_ms"))
    recorded = case.get("recorded") or {}
    recorded = recorded.get("latency_ms") if isinstance(recorded, Mapping) else None
    return Case(
        name=given or str(at + 1),
        model=model,
        version=version,
        inputs=inputs,
        outputs=tuple(_output(here, entry, usual, read, recording) for entry in outputs),
        source=item,
        path=top.path,
        max_latency_ms=None if latency is None else here.number(latency, "max_latency_ms"),
        latency_ms=None if recorded is None else here.number(recorded, "recorded.latency_ms"),
    )


def _list(here: _Place, case: Mapping[str, Any], key: str) -> List[Any]:
    items = case.get(key)
    if items is None:
        return []
    names = [item.get("name") for item in items if isinstance(item, Mapping)] if items else []
    if not isinstance(items, list) or len(names) != len(items):
        raise here.error(f"'{key}' is no list of mappings")
    if len(set(map(str, names))) != len(names):
        raise here.error(f"'{key}' has a name twice")
    return items


def _input(here: _Place, item: Mapping[str, Any], read: Read) -> Tensor:
    place = here.at(f"input '{item.get('name')}'")
    place.mapping(item, INPUT_KEYS)
    tensor = _tensor(place, item, read)
    if tensor is None:
        raise place.error(f"it has none of {', '.join(VALUES)}")
    return tensor


def _tensor(place: _Place, item: Mapping[str, Any], read: Read) -> Optional[Tensor]:
    """Return the tensor of an entry, None if it has no values."""
    try:
        return from_entry(item, read)
    except ValueError as error:
        raise place.error(str(error)) from None


def _output(
    here: _Place, item: Mapping[str, Any], usual: Mapping[str, Any], read: Read, recording: bool
) -> Expected:
    place = here.at(f"output '{item.get('name')}'")
    word = item.get("compare", "numbers")
    if word not in HOW_KEYS:
        raise place.error(f"'compare' is {word!r}; it is one of {', '.join(HOW_KEYS)}")
    place.mapping(item, (*INPUT_KEYS, "compare", "spread", *HOW_KEYS[word]))
    tensor = _tensor(place, item, read)
    how = _how(place, word, {**usual, **item}, tensor, item)
    classes = _class_numbers(place, item)
    if classes and tensor:
        raise place.error("it has both values and 'classes'")
    if tensor is None and not classes and not recording:
        raise place.error(
            f"it has none of {', '.join(VALUES)}", "Record them: openvino.edge.golden_record"
        )
    try:
        if isinstance(how, Classes) and tensor is not None:
            best_classes(tensor)
        if (
            isinstance(how, Boxes)
            and tensor is not None
            and not boxes_of(how, tensor, how.min_score)
        ):
            raise ValueError(f"no expected box has a score of at least {how.min_score:g}")
    except ValueError as error:
        raise place.error(str(error)) from None
    return Expected(str(item["name"]), how, tensor, classes)


def _how(
    place: _Place,
    word: str,
    item: Mapping[str, Any],
    tensor: Optional[Tensor],
    own: Mapping[str, Any],
) -> How:
    if word == "numbers":
        datatype = tensor.datatype if tensor else datatype_of("FP32")
        # Tolerances for all outputs are meant for the floating point ones.
        given = item if datatype.rtol else own
        rtol, atol = (
            default if given.get(key) is None else place.number(given[key], key)
            for key, default in (("rtol", datatype.rtol), ("atol", datatype.atol))
        )
        return Numbers(rtol, atol)
    if word == "classes":
        top_k = item.get("top_k", 1)
        if not isinstance(top_k, int) or isinstance(top_k, bool) or top_k < 1:
            raise place.error("'top_k' is a whole number from 1")
        return Classes(top_k)
    usual = Boxes()
    columns = item.get("columns") or ()
    try:
        if columns:
            check_columns(columns)
    except (ValueError, TypeError) as error:
        raise place.error(f"columns: {error}") from None
    return Boxes(
        iou=place.number(item.get("iou", usual.iou), "iou", 0.01),
        score_tolerance=place.number(
            item.get("score_tolerance", usual.score_tolerance), "score_tolerance"
        ),
        min_score=place.number(item.get("min_score", usual.min_score), "min_score"),
        columns=tuple(columns),
    )


def _class_numbers(place: _Place, item: Mapping[str, Any]) -> Tuple[int, ...]:
    classes = item.get("classes")
    if classes is None:
        return ()
    good = isinstance(classes, list) and bool(classes)
    if not good or not all(isinstance(one, int) and one >= 0 for one in classes):
        raise place.error("'classes' is a list of numbers of classes from 0, one for each row")
    if item.get("shape") is not None and count_of(tuple(item["shape"][:-1])) != len(classes):
        raise place.error("'classes' has not one number for each row of 'shape'")
    return tuple(classes)
