# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version policies: which of the versions found are asked for (src/model_version_policy.cpp)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ovms_standin.status import POLICY_UNSUPPORTED_KEY, POLICY_WRONG_FORMAT, StatusError


@dataclass(frozen=True)
class AllVersions:
    """Every version found."""

    def choose(self, versions: Sequence[int]) -> list[int]:
        """The versions asked for."""
        return list(versions)


@dataclass(frozen=True)
class LatestVersions:
    """The highest `count` versions found; 0, which only the command line takes, means none."""

    count: int = 1

    def choose(self, versions: Sequence[int]) -> list[int]:
        """The versions asked for."""
        return sorted(sorted(versions, reverse=True)[: self.count])


@dataclass(frozen=True)
class SpecificVersions:
    """The named versions, as far as they are there: an absent one is no error in OVMS either."""

    versions: tuple[int, ...]

    def choose(self, versions: Sequence[int]) -> list[int]:
        """The versions asked for."""
        return sorted(set(versions) & set(self.versions))


Policy = AllVersions | LatestVersions | SpecificVersions


def parse_policy(value: Any) -> Policy:
    """The policy an option holds; none given means the latest one.

    Raises StatusError for anything but one known key with its own parameters.
    """
    if value is None:
        return LatestVersions()
    if not isinstance(value, Mapping) or len(value) != 1:
        raise StatusError(POLICY_WRONG_FORMAT)
    key, parameters = next(iter(value.items()))
    if key not in ("all", "latest", "specific"):
        raise StatusError(POLICY_UNSUPPORTED_KEY)
    if not isinstance(parameters, Mapping):
        raise StatusError(POLICY_WRONG_FORMAT)
    if key == "all":
        return AllVersions()
    if key == "latest":
        if set(parameters) != {"num_versions"}:
            raise StatusError(POLICY_WRONG_FORMAT)
        return LatestVersions(_whole(parameters["num_versions"]))
    wanted = parameters.get("versions")
    if not isinstance(wanted, list):
        raise StatusError(POLICY_WRONG_FORMAT)
    return SpecificVersions(tuple(_whole(version) for version in wanted))


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise StatusError(POLICY_WRONG_FORMAT)
    return value
