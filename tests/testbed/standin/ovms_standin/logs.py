# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines in OVMS's form (src/logging.cpp): `[time][thread][logger][level][file:line] text`.

The file is the upstream source file that writes the line; the line number is always 1.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO

LEVELS = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARNING": 3, "ERROR": 4}
_NAMES = ("trace", "debug", "info", "warning", "error")


class _Sink:
    """Where lines go: stdout, and a file when `--log_path` asks for one."""

    def __init__(self) -> None:
        self.threshold = LEVELS["INFO"]
        self.streams: list[TextIO] = [sys.stdout]
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        with self._lock:
            for stream in self.streams:
                stream.write(line)
                stream.flush()


_sink = _Sink()


def configure(level: str, path: str | None) -> None:
    """Set the least level shown and, besides stdout, a file to append to.

    Raises OSError when the file cannot be opened.
    """
    _sink.threshold = LEVELS[level]
    if path:
        _sink.streams.append(open(path, "a", encoding="utf-8"))  # noqa: SIM115 - for good


class Logger:
    """One of OVMS's named loggers ("serving", "modelmanager", ...)."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _log(self, level: int, source: str, text: str) -> None:
        if level < _sink.threshold:
            return
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        thread = threading.get_native_id()
        millis = int(now * 1000) % 1000
        _sink.write(
            f"[{stamp}.{millis:03d}][{thread}][{self.name}][{_NAMES[level]}][{source}:1] {text}\n"
        )

    def trace(self, source: str, text: str) -> None:
        """Write at TRACE."""
        self._log(0, source, text)

    def debug(self, source: str, text: str) -> None:
        """Write at DEBUG."""
        self._log(1, source, text)

    def info(self, source: str, text: str) -> None:
        """Write at INFO."""
        self._log(2, source, text)

    def warning(self, source: str, text: str) -> None:
        """Write at WARNING."""
        self._log(3, source, text)

    def error(self, source: str, text: str) -> None:
        """Write at ERROR."""
        self._log(4, source, text)


SERVING = Logger("serving")
MANAGER = Logger("modelmanager")
