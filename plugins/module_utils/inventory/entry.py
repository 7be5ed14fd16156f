# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the clusters that an inventory file names."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping

from ..errors import InputError
from ..kube.client import KubeClient
from . import hubs, kubeconfigs
from .options import Sources
from .records import Record, from_json, named


@dataclass
class Found:
    """The clusters with the names of their hosts, and warnings; plain data for a cache."""

    records: List[Record] = field(default_factory=list)
    warnings: List[str] = field(default_factory=list)

    def as_json(self) -> Dict[str, Any]:
        """Return what a cache keeps."""
        return {"records": [one.as_json() for one in self.records], "warnings": self.warnings}


def restored(data: Mapping[str, Any]) -> Found:
    """Return what a cache kept."""
    return Found([from_json(one) for one in data["records"]], list(data["warnings"]))


def gather(sources: Sources) -> Found:
    """Return the clusters of all sources.

    Raises:
        InputError: names clash, a pattern matches nothing, or a cluster is broken and that is to
            be an error.
        AuthError, ForbiddenError, UnreachableError, ApiError: a hub does not answer.
    """
    found = Found()
    if sources.files:
        found.records += kubeconfigs.from_files(sources.files)
    if sources.contexts:
        found.records += kubeconfigs.from_contexts(sources.contexts, os.environ)
    for source in sources.hubs:
        with KubeClient.from_params(hubs.hub_params(source.hub, os.environ)) as client:
            records, warnings = hubs.clusters(client, source)
        found.records += records
        found.warnings += warnings
    found.records = named(found.records, sources.rename)
    _tell_broken(found, sources.fail_broken)
    return found


def _tell_broken(found: Found, fail: bool) -> None:
    broken = [record for record in found.records if record.broken]
    if broken and fail:
        listed = "; ".join(f"{one.origin}: {one.broken}" for one in broken)
        raise InputError(
            f"{len(broken)} of {len(found.records)} clusters cannot be reached: {listed}",
            option="on_broken",
            hint="Mend or remove them, or set on_broken: keep, with which their tasks fail alone",
        )
    found.warnings += [
        f"host {one.name} ({one.origin}) is in the group edge_broken: {one.broken}"
        for one in broken
    ]
