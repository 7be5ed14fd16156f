# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain values that callers of the Kubernetes client see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

# Ways of a request to a pod, see carriers.py; the choices of the option pod_carrier.
AUTO, PROXY, PORTFORWARD = "auto", "proxy", "portforward"
POD_CARRIERS = (AUTO, PROXY, PORTFORWARD)


@dataclass(frozen=True)
class WatchEvent:
    """One change: C(type) is ADDED, MODIFIED or DELETED; C(object) is the object after it."""

    type: str
    object: Dict[str, Any]


@dataclass(frozen=True)
class Response:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class ExecResult:
    """The result of a command in a container; C(protocol) is the negotiated subprotocol."""

    rc: int
    stdout: bytes
    stderr: bytes
    protocol: str


@dataclass(frozen=True)
class Access:
    """A right: one verb on one resource, cluster-wide when C(namespace) is None."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespace: Optional[str] = None
    name: Optional[str] = None

    def __str__(self) -> str:
        what = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        text = f"{self.verb} {what}{'.' + self.group if self.group else ''}"
        text += f" {self.name}" if self.name else ""
        return text + (f" in namespace {self.namespace}" if self.namespace else "")

    def attributes(self) -> Dict[str, str]:
        """Return C(spec.resourceAttributes) of a SelfSubjectAccessReview."""
        fields = {
            "verb": self.verb,
            "group": self.group,
            "resource": self.resource,
            "subresource": self.subresource,
            "namespace": self.namespace or "",
            "name": self.name or "",
        }
        return {name: value for name, value in fields.items() if value}
