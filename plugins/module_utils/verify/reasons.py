# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the reason why a version is not served, in the log of a model server. Pure.

OVMS tells the reason only there. It logs a cause over several lines of which the last names model
and version, some causes name neither, and callers repeat that there was one
(openvinotoolkit/model_server, src/modelinstance.cpp, src/model.cpp, src/modelmanager.cpp). Versions
are loaded one after the other, so what is logged between the begin and the end of an attempt is
about that version.
"""

from __future__ import annotations

import re
from typing import List, Optional, Sequence

from ..kube.health.logs import is_loud, records, without_time
from .downloads import is_store_error

LOG_RECORDS = 3
# The begin of any attempt, and the words by which one ends.
_BEGINS = re.compile(
    r"Will (?:re)?load model: (?P<a>.+); version: (?P<b>\d+) \.\.\."
    r"|Will add model: (?P<c>.+); version: (?P<d>\d+) \.\.\."
    r"|Loading model: (?P<g>.+), version: (?P<h>\d+), from path"
    r'|STATUS CHANGE: Version (?P<f>\d+) of model (?P<e>.+) status change\. .*"START"'
)
# Errors that concern every model: the file is refused, or loading stops.
_WHOLE = re.compile(
    r"Plugin config key: .* not found in supported|JSON schema parse error"
    r"|not in valid configuration format|file is not (?:a )?valid|Configuration file is invalid"
)


def reason_lines(
    text: str, model: str, version: Optional[int] = None, limit: int = LOG_RECORDS
) -> str:
    """Return the last different records of a log that tell why a version is not served.

    First those of the last attempt to load it; then errors that name model and version, then errors
    that name the model or a bucket, then those about the whole configuration, other errors,
    warnings about the model, or simply the last lines.
    """
    found = records(text)
    if version is not None:
        found = [item for item in found if not _of_another(item, model, version)]
    for chosen in (
        _attempt(found, model, version),
        _named(found, model, version),
        _named(found, model, None),
        [item for item in found if is_loud(item) and _WHOLE.search(item)],
        [item for item in found if is_loud(item)],
        [item for item in found if "[warning]" in item and _names(item, model)],
        found,
    ):
        if chosen:
            return _shown(chosen, limit)
    return ""


def _attempt(found: Sequence[str], model: str, version: Optional[int]) -> List[str]:
    """Return the records with the cause of the last failed attempt to load a version."""
    if version is None:
        return []
    failed = re.compile(
        rf"STATUS CHANGE: Version {version} of model {re.escape(model)} status change\. "
        r'.*"LOADING", "error_code": "(?!OK)'
    )
    current: List[str] = []
    last: List[str] = []
    inside = False
    for record in found:
        begin = _begun(record)
        if begin is not None:
            same = begin == (model, version)
            if same and '"START"' in record:
                last = []
            if same and not inside:
                current = []
            inside = same
        elif inside and failed.search(record):
            inside, last = False, _causes(current) or last
            current = []
        elif inside:
            current.append(record)
    return _causes(current) or last


def _begun(record: str) -> "Optional[tuple[str, int]]":
    match = _BEGINS.search(record)
    if match is None:
        return None
    named = match.groupdict()
    model = named["a"] or named["c"] or named["e"] or named["g"]
    number = named["b"] or named["d"] or named["f"] or named["h"]
    return model, int(number)


def _causes(attempt: Sequence[str]) -> List[str]:
    loud = [item for item in attempt if is_loud(item)]
    said = [item for item in attempt if "[warning][modelinstance.cpp:" in item]
    return said + loud if loud else []


def _named(found: Sequence[str], model: str, version: Optional[int]) -> List[str]:
    """Return the errors about a model, and of them those that have the cause, where there are."""
    if not model:
        return []
    loud = [item for item in found if is_loud(item) and _names(item, model)]
    if version is not None:
        number = re.compile(rf"[Vv]ersion:? {version}(?!\d)")
        loud = [item for item in loud if number.search(item)]
    else:
        loud = [item for item in found if item in loud or (is_loud(item) and is_store_error(item))]
    return [item for item in loud if "[modelinstance.cpp:" in item] or loud


def _of_another(record: str, model: str, version: int) -> bool:
    """Tell whether an error is about another version of the model."""
    numbers = re.findall(r"version: (\d+)", record)
    other = bool(numbers) and str(version) not in numbers
    return other and is_loud(record) and _names(record, model)


def _names(record: str, model: str) -> bool:
    return bool(re.search(rf"(?<![\w.-]){re.escape(model)}(?![\w.-])", record))


def _shown(chosen: Sequence[str], limit: int) -> str:
    latest_first = list(dict.fromkeys(without_time(item) for item in reversed(chosen)))
    return "\n".join(reversed(latest_first[:limit]))
