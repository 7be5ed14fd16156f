# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way in that a cluster offers, which C(expose.controller=auto) stands for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

AUTO = "auto"


@dataclass(frozen=True)
class Choice:
    """What the options would say if the way in was not left to the cluster.

    Attributes:
        controller: C(expose.controller).
        class_name: C(expose.class_name).
        gateway: namespace and name of the Gateway; empty for other controllers.
        why: what on the cluster speaks for it.
    """

    controller: str
    class_name: str = ""
    gateway: Tuple[str, ...] = ()
    why: str = ""

    @property
    def told(self) -> Dict[str, str]:
        """Return it in plain data, without the reason."""
        found = {"controller": self.controller, "class_name": self.class_name}
        found["gateway"] = "/".join(self.gateway)
        return {key: text for key, text in found.items() if text}

    def __str__(self) -> str:
        """Return the options that name it, for messages."""
        found = {f"expose.{key}": text for key, text in self.told.items() if key != "gateway"}
        if self.gateway:
            found["expose.gateway.namespace"], found["expose.gateway.name"] = self.gateway
        return ", ".join(f"{key}: {text}" for key, text in found.items())

    def asked(self, given: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the option C(expose) with this in the place of C(auto)."""
        made = {**given, "controller": self.controller, "class_name": self.class_name or None}
        if self.gateway:
            namespace, name = self.gateway
            made["gateway"] = {**(given.get("gateway") or {}), "namespace": namespace, "name": name}
        return made


def choice_of(told: Mapping[str, Any]) -> Choice:
    """Return what C(Choice.told) has told."""
    namespace, _slash, name = str(told.get("gateway") or "").partition("/")
    return Choice(
        controller=str(told.get("controller") or ""),
        class_name=str(told.get("class_name") or ""),
        gateway=(namespace, name) if name else (),
    )
