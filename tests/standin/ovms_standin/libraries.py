# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries of custom nodes: opened by the dynamic linker, their functions looked up, never called.

Source: src/dags/custom_node_library_manager.cpp.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

from ovms_standin.logs import MANAGER
from ovms_standin.status import NODE_LIBRARY_MISSING, OK, Status

_SOURCE = "custom_node_library_manager.cpp"
_SYMBOLS = ("initialize", "deinitialize", "execute", "getInputsInfo", "getOutputsInfo", "release")


class Libraries:
    """What is open, by name. A path that was opened is never looked at again."""

    def __init__(self) -> None:
        self.opened: dict[str, str] = {}

    def apply(self, wanted: Mapping[str, str]) -> None:
        """Open what config.json names and forget the rest; what fails is for pipelines to miss."""
        for name, path in wanted.items():
            self._open(name, path)
        for name in set(self.opened) - set(wanted):
            del self.opened[name]

    def _open(self, name: str, path: str) -> None:
        if ".." in path.split("/"):
            MANAGER.error(_SOURCE, f"Path {path} escape with .. is forbidden.")
            return
        if self.opened.get(name) == path:
            MANAGER.debug(_SOURCE, f"Custom node library name: {name} is already loaded")
            return
        MANAGER.info(_SOURCE, f"Loading custom node library name: {name}; base_path: {path}")
        try:
            library = ctypes.CDLL(path, mode=os.RTLD_LAZY | os.RTLD_LOCAL)
        except OSError as error:
            MANAGER.error(
                _SOURCE,
                f"Library name: {name} failed to open base_path: {path} with error: {error}",
            )
            return
        for symbol in _SYMBOLS:
            if not hasattr(library, symbol):
                MANAGER.error(
                    _SOURCE,
                    f"Failed to load library name: {name} with error: {path}: "
                    f"undefined symbol: {symbol}",
                )
                return
        self.opened[name] = path
        MANAGER.info(
            _SOURCE, f"Successfully loaded custom node library name: {name}; base_path: {path}"
        )

    def status(self, name: str) -> Status:
        """Whether a node can have the library."""
        return OK if name in self.opened else Status(NODE_LIBRARY_MISSING, f"library {name}")
