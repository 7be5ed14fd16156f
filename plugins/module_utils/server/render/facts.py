# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts about the cluster and about adopted objects that rendering needs. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple


@dataclass(frozen=True)
class Kept:
    """The fields that adopted objects keep; empty for objects that this collection created.

    Attributes:
        selector: labels by which the Deployment finds its pods.
        service: labels by which the Service finds them.
        labels: of the pods; other Services may find them by these.
        annotations: of the pods.
        container: ports on which the pods listened, by C(grpc) and C(rest).
        numbers: ports of the Service, by the same.
        others: further ports of the Service.
    """

    selector: Mapping[str, str] = field(default_factory=dict)
    service: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    container: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    others: Tuple[Mapping[str, Any], ...] = ()

    def pod_labels(self, labels: Mapping[str, str]) -> Dict[str, str]:
        """Return labels for the pods; labels that a selector uses win."""
        return {**self.labels, **labels, **self.service, **self.selector}


NOTHING_KEPT = Kept()


@dataclass(frozen=True)
class ClusterFacts:
    """The facts about the cluster that rendering needs.

    Attributes:
        access_modes: of the store's claim; None: unknown, or not a claim.
        salt: key of the mark for given credentials.
        credentials: mark of an existing Secret with credentials.
        kept: what adopted objects keep.
        own_config: text of the configuration that the user brings; None: ours, or not read.
        sleeps: the kubelet itself can pause before a container is told to end.
        start: mark of the last change that only a new process applies.
    """

    access_modes: Optional[Tuple[str, ...]] = None
    salt: str = field(default="", repr=False)
    credentials: str = ""
    kept: Kept = Kept()
    own_config: Optional[str] = None
    sleeps: bool = False
    start: str = ""


# The facts before the cluster was read.
NO_FACTS = ClusterFacts()
