# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies the option C(signature) in one task: refuses unsigned files and older signed sets."""

from __future__ import annotations

from typing import Dict, Mapping, Optional, Sequence, Tuple

from ..content.layout import Selection
from ..content.manifest import Manifest
from ..options.signature import SignatureOptions
from .counter import check_counter, raises_counter
from .signed import SignedSet, verify


class Guard:
    """Refuses files that are not signed, and sets older than the store has accepted.

    Attributes:
        signed: the verified set.

    Raises:
        EdgeError: see C(signed.verify).
    """

    def __init__(self, options: SignatureOptions) -> None:
        self.signed: SignedSet = verify(options)
        self._allow_older = options.allow_older

    @property
    def mark(self) -> Tuple[str, Optional[int]]:
        """Key id and counter, as a record keeps them."""
        return self.signed.key_id, self.signed.counter

    def check_files(
        self,
        manifests: Sequence[Manifest],
        selection: Sequence[Selection],
        release: Optional[bytes],
    ) -> None:
        """Refuse files that are not the signed ones.

        Raises:
            InputError: names them.
        """
        self.signed.take_release(release)
        self.signed.check(manifests, selection)

    def check_store(self, accepted: Mapping[str, int], target: str) -> None:
        """Refuse a set that is older than one that this store has accepted.

        Raises:
            InputError: names both counters.
        """
        check_counter(self.signed, accepted, self._allow_older, target)

    def raises(self, accepted: Mapping[str, int]) -> bool:
        """Return whether the store has to write a higher counter."""
        return raises_counter(self.signed, accepted)

    def accepted_after(self, accepted: Mapping[str, int]) -> Dict[str, int]:
        """Return the counters of a store after it accepted this set."""
        found = dict(accepted)
        if self.signed.counter is not None and self.raises(accepted):
            found[self.signed.key_id] = self.signed.counter
        return found
