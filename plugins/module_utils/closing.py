# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of everything that has to be closed: connections, pools, temporary folders."""

from __future__ import annotations

from types import TracebackType
from typing import Optional, Type, TypeVar

Self = TypeVar("Self", bound="Closing")


class Closing:
    """A context manager that calls C(close) at the end of its block, also after an error."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.closing(error)
        self.close()

    def closing(self, error: Optional[BaseException]) -> None:
        """Called before C(close); C(error) is the exception that ended the block, if any."""

    def close(self) -> None:
        """Release the resources; called once by the C(with) block."""
        raise NotImplementedError
