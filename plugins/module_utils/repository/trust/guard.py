# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(signature) during one task: what is signed, and what each store may take."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.repository.layout import Selection
from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import Manifest
from ansible_collections.openvino.edge.plugins.module_utils.repository.trust.counter import (
    check_counter,
    raises_counter,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.trust.options import (
    SignatureOptions,
    signature_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.trust.signed import (
    SignedSet,
    verify,
)


class Guard:
    """Lets only signed files pass.

    Attributes:
        signed: the verified set.

    Raises:
        EdgeError: see C(signed.verify).
    """

    def __init__(self, options: SignatureOptions) -> None:
        self.signed: SignedSet = verify(options)
        self._allow_older = options.allow_older

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Optional[Guard]:
        """Return the guard of a task, C(None) when nothing is to be verified."""
        options = signature_from_params(params)
        return cls(options) if options else None

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
        """Return whether the store's mark has to be written."""
        return raises_counter(self.signed, accepted)

    def accepted_after(self, accepted: Mapping[str, int]) -> Dict[str, int]:
        """Return the marks of a store after it took this set."""
        found = dict(accepted)
        if self.signed.counter is not None and self.raises(accepted):
            found[self.signed.key_id] = self.signed.counter
        return found
