# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings of a lint, and helpers to make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .generation import ONE_KEY_ONLY, UNKNOWN, Generation

ERROR = "error"
WARNING = "warning"
# Not a fault: it tells how a server interprets the configuration.
NOTE = "note"
LEVELS = (ERROR, WARNING, NOTE)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (C(error)), doubtful (C(warning)) or worth to know (C(note)).

    Attributes:
        path: JSON pointer into the configuration.
        model: name of the model it is about, or empty.
        key: key of the model's entry, dotted, or empty.
        option: the option it comes from, if that is not C(models).
    """

    level: str
    path: str
    message: str
    hint: str = ""
    model: str = ""
    key: str = ""
    option: str = "models"

    def __str__(self) -> str:
        text = f"{self.path}: {self.message}"
        return f"{text}. {self.hint}." if self.hint else f"{text}."


def worst_first(findings: Sequence[Finding]) -> List[Finding]:
    """Return the findings, errors first, each level in the order of the file."""
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


@dataclass(frozen=True)
class Context:
    """The known facts about the server that will read a configuration.

    Attributes:
        generation: its release.
        config_dir: directory of the file as the server sees it; empty: unknown.
        models_path: where the store is mounted; empty: unknown.
        metrics_flags: flags of the command line that set metrics, too.
    """

    generation: Generation = UNKNOWN
    config_dir: str = ""
    models_path: str = ""
    metrics_flags: Tuple[str, ...] = ()


NOTHING_KNOWN = Context()


def text_fault(value: Any) -> Optional[str]:
    """Say that a value is not text, or return None."""
    return None if isinstance(value, str) else "text is needed"


def beside_config(item: Mapping[str, Any], path: str, context: Context) -> Iterator[Finding]:
    """Find keys beside C(config): refused since OVMS 2024.0, and ignored before."""
    others = [key for key in item if key != "config"]
    if "config" not in item or not others:
        return
    names = ", ".join(others)
    if context.generation.before(ONE_KEY_ONLY):
        message = f"the server ignores what is beside config: {names}"
        yield Finding(WARNING, path, message, "Put it into config, or leave it out")
        return
    message = f'an object with the one key "config" is needed, here is more: {names}'
    yield Finding(ERROR, path, message, "Put it into config, or leave it out")


def closed(
    item: Mapping[str, Any],
    path: str,
    known: Mapping[str, Callable[[Any], Optional[str]]],
    required: Sequence[str],
) -> Iterator[Finding]:
    """Check an object that may have known keys only, each with its own check."""
    for key in required:
        if key not in item:
            yield Finding(ERROR, f"{path}/{key}", "it is missing", key=key)
    for key, value in item.items():
        check = known.get(key)
        fault = "the server knows no such key" if check is None else check(value)
        if fault:
            yield Finding(ERROR, f"{path}/{key}", fault, key=key)
