# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a request has no answer."""

from __future__ import annotations


class Failure(Exception):
    """A request without an answer.

    Attributes:
        kind: the word under which such requests are counted, the same for all of one cause.
        lost: the connection is gone; whoever asks again should wait a moment.
    """

    def __init__(self, kind: str, message: str, lost: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.lost = lost


class MissingPackage(Exception):
    """The client asked for is not installed where the program runs."""
