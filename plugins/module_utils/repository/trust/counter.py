# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the counter of a signed release with the highest one that a store has accepted. Pure.

A signature alone does not prevent a rollback: an older set with a known fault has a valid signature
too. So a store keeps the highest counter accepted for each key, and a lower one is refused.
"""

from __future__ import annotations

from typing import Mapping

from ...errors import InputError
from .signed import RELEASE_FILE, SignedSet


def check_counter(
    signed: SignedSet, accepted: Mapping[str, int], allow_older: bool, target: str
) -> None:
    """Refuse a set that is older than one the store has accepted from the same key.

    Args:
        signed: the verified set.
        accepted: of the store: the highest counter by key id; negative when it cannot be read.
        allow_older: permit it all the same.
        target: for messages.

    Raises:
        InputError: names both counters.
    """
    have = accepted.get(signed.key_id)
    if have is None or allow_older:
        return
    if have < 0:
        text = f".edge/trust/{signed.key_id} on the store does not say a counter"
    elif signed.counter is None:
        text = f"this signed set has no counter, the store has accepted {have}"
    elif signed.counter < have:
        text = f"this signed set has the counter {signed.counter}, the store has accepted {have}"
    else:
        return
    raise InputError(
        f"older than what is there: {text}",
        option="signature",
        subject=target,
        hint=f"Publish the newest release ({RELEASE_FILE}), or say allow_older: true",
        details={"target": target, "counter": signed.counter, "accepted": have},
    )


def raises_counter(signed: SignedSet, accepted: Mapping[str, int]) -> bool:
    """Return whether the store has to write a higher counter."""
    return signed.counter is not None and signed.counter > accepted.get(signed.key_id, -1)
