# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a test may set, by environment: nothing of it shows in the arguments of `ovms`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from ovms_standin.status import FORCED

PREFIX = "OVMS_STANDIN_"
_Value = TypeVar("_Value")


class Generation(Enum):
    """The two generations of the API: the last release with TensorFlow Serving's, and after."""

    TFS = "2026.2"
    KSERVE = "2026.3"


#: What GET /v2 and the first log line say: a version and a mark that it is not OVMS's own build.
VERSIONS = {Generation.TFS: "2026.2.1.standin", Generation.KSERVE: "2026.3.0.standin"}


class Defect(Enum):
    """Defects of OVMS that the stand-in repeats unless a test turns them off."""

    DIGIT_BOUNDARY = "digit-boundary"  # modelmanager.cpp: binary_search over names in text order
    STUCK_LOADING = "stuck-loading"  # modelmanager.cpp: addModelVersions returns OK after a throw
    PLUGIN_CASCADE = "plugin-cascade"  # modelmanager.cpp: return inside the loop over models
    STALE_BASE_PATH = "stale-base-path"  # modelinstance.cpp: reload keeps the model it has read


@dataclass(frozen=True)
class Knobs:
    """Settings read from OVMS_STANDIN_*.

    `load_seconds` and `fail` are keyed by `model`, `model:version` or `*`.
    """

    generation: Generation = Generation.KSERVE
    defects: frozenset[Defect] = frozenset(Defect)
    load_seconds: Mapping[str, float] = field(default_factory=dict)
    fail: Mapping[str, str] = field(default_factory=dict)

    def has(self, defect: Defect) -> bool:
        """Whether this defect is repeated."""
        return defect in self.defects

    def delay_of(self, model: str, version: int) -> float:
        """Seconds that a load of this version takes besides the real work."""
        return _lookup(self.load_seconds, model, version) or 0.0

    def failure_of(self, model: str, version: int) -> str | None:
        """The status code a load of this version must end with, if a test asked for one."""
        return _lookup(self.fail, model, version)


def _lookup(table: Mapping[str, _Value], model: str, version: int) -> _Value | None:
    for key in (f"{model}:{version}", model, "*"):
        if key in table:
            return table[key]
    return None


def _pairs(text: str) -> dict[str, str]:
    """`a=1,b:2=x` as a dict. Raises ValueError for an item without `=`."""
    result = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        key, separator, value = item.partition("=")
        if not separator:
            raise ValueError(f"{item!r} is not model[:version]=value")
        result[key] = value
    return result


def _failures(text: str) -> dict[str, str]:
    found = _pairs(text)
    unknown = set(found.values()) - set(FORCED)
    if unknown:
        raise ValueError(f"FAIL knows {', '.join(FORCED)}, not {', '.join(sorted(unknown))}")
    return found


def _defects(text: str | None) -> frozenset[Defect]:
    if text is None or text.strip() == "all":
        return frozenset(Defect)
    names = [name.strip() for name in text.split(",") if name.strip() not in ("", "none")]
    return frozenset(Defect(name) for name in names)


def read_knobs(environ: Mapping[str, str]) -> Knobs:
    """The settings in `environ`:

    GENERATION (2026.2 or 2026.3, the default), DEFECTS (`all`, `none` or a comma list),
    LOAD_SECONDS (`model[:version]=seconds,...`), FAIL (`model[:version]=CODE,...`).

    Raises ValueError naming the variable.
    """
    try:
        return Knobs(
            generation=Generation(environ.get(PREFIX + "GENERATION", Generation.KSERVE.value)),
            defects=_defects(environ.get(PREFIX + "DEFECTS")),
            load_seconds={
                key: float(value)
                for key, value in _pairs(environ.get(PREFIX + "LOAD_SECONDS", "")).items()
            },
            fail=_failures(environ.get(PREFIX + "FAIL", "")),
        )
    except ValueError as error:
        raise ValueError(f"bad {PREFIX}* setting: {error}") from error
