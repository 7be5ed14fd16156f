# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the slices of a rollout tell each other: their clusters, and how far each has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, Tuple

from ...errors import InputError, WaitError
from ..slices import Share, Slice
from . import records
from .lease import API, KIND
from .place import Place

# Seconds between two looks at what the others have done.
_PAUSE = 2


@dataclass(frozen=True)
class Sharing:
    """The slices of a rollout, as one of them sees the others.

    Attributes:
        place: the namespace of the hub.
        fleet: its name.
        part: the slice that looks.
        tell: shows a line to people.
    """

    place: Place
    fleet: str
    part: Slice
    tell: Callable[[str], None]

    def join(self, number: int, share: Share) -> None:
        """See Others."""
        name = records.slice_name(number, self.part.key)

        def once() -> None:
            known = self.place.get(name)
            if known is not None:
                self.place.change(name, {"ended": ""})
                return
            owner = self.place.get(records.head_name(number))
            if owner is None:
                raise InputError(
                    f"rollout {number} was removed from the hub",
                    option="journal",
                    subject=f"fleet {self.fleet}",
                    hint="Start all slices again",
                )
            self.place.make(records.share_object(number, share, owner))

        self.place.patiently(once)

    def meet(self, number: int) -> List[Share]:
        """See Others."""
        seen, since = -1, 0.0
        while True:
            shares = self._shares(number)
            if len(shares) >= self.part.count:
                return shares
            if len(shares) != seen:
                seen, since = len(shares), self.place.clock()
                self.tell(f"{seen} of {self.part.count} slices are there; waiting for the others")
            if self.place.clock() - since > self.part.timeout:
                raise WaitError(
                    f"{seen} of {self.part.count} slices have come, and in {self.part.timeout} s"
                    " no other one",
                    option="slices",
                    subject=f"fleet {self.fleet}",
                    hint="All slices have to run at the same time: start those that are missing,"
                    " and this one again; AWX needs the capacity for all of them",
                )
            self.place.sleep(_PAUSE)

    def wait(self, number: int, done: int) -> str:
        """See Others."""
        name = records.slice_name(number, self.part.key)
        # One that was started again may have been further.
        if not any(item.key == self.part.key and item.done > done for item in self._shares(number)):
            self.place.patiently(lambda: self.place.change(name, {"done": str(done)}))
        signs: Dict[str, Tuple[str, float]] = {}
        told = ""
        while True:
            stopped = self._stopped(number)
            late = [item for item in self._shares(number) if item.done < done]
            if stopped or not late:
                return stopped
            now = self.place.clock()
            for share in late:
                sign = self._sign(share)
                if signs.get(share.key, ("", 0.0))[0] != sign:
                    signs[share.key] = (sign, now)
                elif now - signs[share.key][1] > self.part.timeout:
                    return f"nothing was heard of {share} for {self.part.timeout} s"
            text = ", ".join(map(str, late))
            if text != told:
                told = text
                self.tell(f"waiting for {text}")
            self.place.sleep(_PAUSE)

    def end(self, number: int) -> bool:
        """Tell that this slice has nothing left to do; True if none has."""
        name = records.slice_name(number, self.part.key)
        self.place.patiently(lambda: self.place.change(name, {"ended": "yes"}))
        shares = self._shares(number)
        return len(shares) >= self.part.count and all(item.ended for item in shares)

    def _shares(self, number: int) -> List[Share]:
        selector = f"{records.SLICE_LABEL}={number}"
        return [
            records.share(item) for item in self.place.patiently(lambda: self.place.list(selector))
        ]

    def _stopped(self, number: int) -> str:
        head = self.place.patiently(lambda: self.place.get(records.head_name(number)))
        return records.rollout(head).stopped if head else "its record was removed from the hub"

    def _sign(self, share: Share) -> str:
        """Return what changes for as long as a slice lives: the version of its Lease."""
        name = records.lease_name(self.fleet, share.key)
        place = self.place
        lease = place.patiently(lambda: place.client.get(API, KIND, name, place.namespace))
        return str((lease or {}).get("metadata", {}).get("resourceVersion"))
