# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what has drifted on one cluster, in the results of modules that looked. Pure.

The objects are those of C(model_server) in check mode with diff, the bytes those of
C(model_repository_info), the served versions those of C(model_status). What C(model_server_info)
says that others have set is told, and is no drift: nobody wanted another value.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..kube.diffs import Difference as Field
from ..kube.diffs import differences
from ..store import directory_of

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

OBJECTS, STORE, SERVED = "objects", "store", "served"
AREAS = (OBJECTS, STORE, SERVED)
OTHERS = "others"
SOUND, DRIFTED, NOT_SEEN = "SOUND", "DRIFTED", "NOT SEEN"
# The finding of an area that nobody could look at.
UNSEEN = "not_seen"
# What a result has only if its module has looked: C(failed_when) turns C(failed) off.
_PROOF = {OBJECTS: "objects", STORE: "targets", SERVED: "available"}

_WORDS = {"created": "missing", "deleted": "not_wanted", "updated": "changed"}
_MOST_FIELDS = 4
_MOST_IN_SUMMARY = 5
_LONGEST_VALUE = 40
_LONGEST_REASON = 300

Result = Mapping[str, Any]
Row = Dict[str, str]
Key = Tuple[str, str]


def find_drift(looks: Mapping[str, Result], wanted: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the verdict over one cluster: each difference, and one line that names them.

    Args:
        looks: results by area; a skipped one is an area without a finding, a failed one an area
            that was not seen.
        wanted: models that have to be on the store, with C(name) or C(directory), and C(versions);
            without versions any version will do.
    """
    counts: Dict[str, Optional[int]] = {}
    rows: List[Row] = []
    changed = _changed_fields((looks.get(OBJECTS) or {}).get("diff") or {})
    finders: Mapping[str, Callable[[Result], List[Row]]] = {
        OBJECTS: lambda result: _objects(result, changed),
        STORE: lambda result: _store(result, wanted),
        SERVED: _served,
    }
    for area in AREAS:
        result = looks.get(area) or {"skipped": True}
        counts[area] = None
        if _PROOF[area] in result:
            found = finders[area](result)
            rows += found
            counts[area] = len(found)
        elif not result.get("skipped"):
            rows.append(_row(area, "", UNSEEN, _reason(result)))
    notes = _others(looks.get(OTHERS) or {}, changed)
    counts[OTHERS] = len(notes) if "servers" in (looks.get(OTHERS) or {}) else None
    seen = any(count is not None for count in (counts[area] for area in AREAS))
    return {
        "sound": seen and not rows,
        "verdict": _verdict(rows, seen),
        "findings": rows,
        "notes": notes,
        "counts": counts,
        "summary": summary(rows) if seen or rows else "nothing was looked at",
    }


def _verdict(rows: Sequence[Row], seen: bool) -> str:
    if all(row["finding"] == UNSEEN for row in rows) and (rows or not seen):
        return NOT_SEEN
    return DRIFTED if rows else SOUND


def summary(rows: Sequence[Row]) -> str:
    """Return one line that names the differences; of many only the first."""
    if not rows:
        return "nothing has drifted"
    texts = [_sentence(row) for row in rows[:_MOST_IN_SUMMARY]]
    more = len(rows) - _MOST_IN_SUMMARY
    return "; ".join([*texts, f"and {more} more"] if more > 0 else texts)


def _sentence(row: Row) -> str:
    if row["finding"] == UNSEEN:
        return f"{row['area']} could not be looked at: {row['detail']}"
    words = f"{row['subject']} {row['finding'].replace('_', ' ')}".strip()
    return f"{words} ({row['detail']})" if row["detail"] else words


def _row(area: str, subject: str, finding: str, detail: str = "") -> Row:
    line = " ".join(detail.split())
    return {"area": area, "subject": subject, "finding": finding, "detail": line}


def _reason(result: Result) -> str:
    """Return the first line of why a look failed."""
    lines = str(result.get("msg") or "no reason was given").strip().splitlines()
    return _cut(lines[0], _LONGEST_REASON)


def _objects(result: Result, changed: Mapping[Key, Sequence[Field]]) -> List[Row]:
    return [
        _row(
            OBJECTS,
            f"{item['kind']}/{item['name']}",
            _WORDS[item["action"]],
            _some([_sentence_of(field) for field in changed.get((item["kind"], item["name"]), ())]),
        )
        for item in result.get("objects") or ()
        if item["action"] in _WORDS
    ]


def _changed_fields(diff: Mapping[str, Any]) -> Dict[Key, List[Field]]:
    """Return the fields of each object that are not as they are wanted."""
    live, wanted = _by_name(diff.get("before")), _by_name(diff.get("after"))
    return {key: list(_inside(live[key], item)) for key, item in wanted.items() if key in live}


def _by_name(text: Any) -> Dict[Key, Mapping[str, Any]]:
    documents = yaml.safe_load_all(text) if text else ()
    return {(item["kind"], item["metadata"]["name"]): item for item in documents if item}


def _sentence_of(field: Field) -> str:
    path, found, expected = field
    return f"{'.'.join(path)} {_value(found)} instead of {_value(expected)}"


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_FIELDS
    return ", ".join([*texts[:_MOST_FIELDS], f"and {more} more"] if more > 0 else texts)


def _inside(live: Any, wanted: Any) -> Iterator[Field]:
    """Yield the differing fields, also those inside of a file of JSON such as a configuration."""
    for path, found, expected in differences(live, wanted):
        one, other = _document(found), _document(expected)
        below = list(differences(one, other)) if one is not None and other is not None else []
        for part, was, should in below or [((), found, expected)]:
            yield (*path, *part), was, should


def _document(text: Any) -> Any:
    """Return the object or list in a text of JSON; None if it is none."""
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    return _cut(value if isinstance(value, str) else json.dumps(value), _LONGEST_VALUE)


def _cut(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def _store(result: Result, wanted: Sequence[Mapping[str, Any]]) -> List[Row]:
    rows = [
        _row(STORE, _file(item), str(item["finding"]), str(item.get("detail") or ""))
        for item in result.get("findings") or ()
    ]
    told = {row["subject"] for row in rows if row["finding"] == "version_missing"}
    for target in result.get("targets") or ():
        # As the module names it in its findings: the node, or the claim without its namespace.
        name = target.get("node") or target["target"].rpartition("/")[2]
        if not target["exists"]:
            rows.append(_row(STORE, name, "missing", "there is no store"))
            continue
        there: Dict[str, List[int]] = {}
        for item in target["versions"]:
            there.setdefault(item["model"], []).append(item["version"])
        for subject in _absent(wanted, there):
            if f"{name}:{subject}" not in told:
                rows.append(_row(STORE, f"{name}:{subject}", "version_missing", "it is wanted"))
    return rows


def _file(item: Mapping[str, Any]) -> str:
    """Return where a finding is: C(TARGET:MODEL/VERSION/PATH)."""
    place = f"{item['target']}:{item['model']}/{item['version']}"
    return f"{place}/{item['path']}" if item.get("path") else place


def _absent(
    wanted: Sequence[Mapping[str, Any]], there: Mapping[str, Sequence[int]]
) -> Iterator[str]:
    """Yield each wanted version that is not there, and each model of which no version is."""
    for item in wanted:
        model = directory_of(str(item.get("directory") or item["name"]))
        versions = there.get(model, ())
        if not item.get("versions") and not versions:
            yield model
        for version in item.get("versions") or ():
            if int(version) not in versions:
                yield f"{model}/{version}"


def _served(result: Result) -> List[Row]:
    return [
        _row(SERVED, str(item.get("replica") or "all replicas"), item["code"], item["message"])
        for item in result.get("problems") or ()
    ]


def _others(result: Result, changed: Mapping[Key, Sequence[Field]]) -> List[Row]:
    """Return what others have set, without the fields that are told as changed already."""
    rows = []
    for server in result.get("servers") or ():
        for item in server.get("set_by_others") or ():
            told = [
                ".".join(path) for path, *_both in changed.get((item["kind"], item["name"]), ())
            ]
            fields = [name for name in item["fields"] if not any(_related(name, it) for it in told)]
            if fields:
                detail = f"{item['manager']} has set {_some(fields)}"
                rows.append(_row(OTHERS, f"{item['kind']}/{item['name']}", "set_by_others", detail))
    return rows


def _related(one: str, other: str) -> bool:
    """Tell whether two paths are the same, or one is below the other."""
    shorter, longer = sorted((one, other), key=len)
    return longer == shorter or longer.startswith(f"{shorter}.")
