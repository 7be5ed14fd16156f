# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes known fields from the results of tasks; anything else in them never gets into a report."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional

from .model import BYTES, Failure

# A report of thousands of clusters stays readable, and the controller small.
MAX_TEXT = 4000  # characters of a message or a log
MAX_NAME = 400  # characters of a name
MAX_ROWS = 200  # replicas and versions, or problems, of one cluster
PROBLEM = ("code", "replica", "model", "version", "message", "hint", "log")
# Control characters of terminals, and what is no character at all.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def text(value: Any, limit: int = MAX_TEXT) -> str:
    """Return a value as text without control characters; empty for null."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    plain = CONTROL.sub("", str(value))
    return plain if len(plain) <= limit else plain[: limit - 1] + "\u2026"


def name(value: Any) -> str:
    """Return a name on one line."""
    return " ".join(text(value, MAX_NAME).split())


def whole(value: Any) -> Optional[int]:
    """Return a whole number that is not negative; null for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return int(value)


def seconds(value: Any) -> Optional[float]:
    """Return a time in seconds; null for anything else."""
    if isinstance(value, float) and 0 <= value < 1e12:
        return float(value)
    found = whole(value)
    return None if found is None else float(found)


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping; empty for anything else."""
    return value if isinstance(value, Mapping) else {}


def rows(value: Any) -> List[Mapping[str, Any]]:
    """Return the mappings of a list; empty for anything else."""
    return [mapping(item) for item in value] if isinstance(value, list) else []


def names(value: Any) -> List[str]:
    """Return the names of a list; empty for anything else."""
    return [name(item) for item in value] if isinstance(value, list) else []


def transfers(result: Mapping[str, Any]) -> Dict[str, int]:
    """Return the bytes of a result of model_repository."""
    found = {key: whole(result.get(field)) for key, field in BYTES.items()}
    return {key: count for key, count in found.items() if count is not None}


def digests(result: Mapping[str, Any]) -> Dict[str, Dict[str, str]]:
    """Return the digests by model and version of a result of model_repository."""
    return {
        name(model): {name(version): name(digest) for version, digest in mapping(found).items()}
        for model, found in mapping(result.get("models")).items()
    }


def release(result: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the record of the release that a result of model_server or release tells."""
    found = mapping(result.get("release"))
    if not found:
        return {}
    return {
        "number": whole(found.get("number")),
        "verdict": name(found.get("verdict")),
        "reason": text(found.get("reason")),
        "restores": whole(found.get("restores")),
    }


def replicas(result: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the rows of model_status that are wanted or wrong, also those of a closed gate."""
    found = rows(result.get("statuses")) or rows(details(result).get("statuses"))
    chosen = [row for row in found if row.get("wanted") or not row.get("ok")]
    return [
        {
            "replica": name(row.get("replica")),
            "node": name(row.get("node")),
            "model": name(row.get("model")),
            "version": whole(row.get("version")),
            "state": name(row.get("state")),
            "message": "" if row.get("ok") else name(row.get("error_message")),
            "wanted": bool(row.get("wanted")),
            "ok": bool(row.get("ok")),
        }
        for row in chosen[:MAX_ROWS]
    ]


def details(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the details of the error of a failed task of ours."""
    return mapping(mapping(result.get("error")).get("details"))


def failure(result: Mapping[str, Any], phase: str, task: str, plain: bool) -> Failure:
    """Return why a task failed.

    Args:
        result: of the task.
        phase: in which it ran.
        task: its name.
        plain: whether its message is ours to show; that of a stranger's task is not taken.
    """
    error = mapping(result.get("error"))
    message = text(error.get("message")) or (text(result.get("msg")) if plain else "")
    if error.get("subject"):
        message = f"{text(error['subject'])}: {message}"
    found = details(result)
    problems = rows(found.get("problems"))
    problems += [row for row in rows(found.get("findings")) if row.get("level") == "problem"]
    lines = found.get("log")
    log = text("\n".join(map(str, lines)) if isinstance(lines, list) else lines)
    if log and not problems:
        problems = [{"log": log}]
    return Failure(
        phase=phase,
        task=name(task),
        kind=name(error.get("kind")),
        message=message or f"the task '{name(task)}' failed; the output of the play tells more",
        hint=text(error.get("hint")),
        problems=[
            {key: text(row.get(key)) for key in PROBLEM if text(row.get(key))}
            for row in problems[:MAX_ROWS]
        ],
    )
