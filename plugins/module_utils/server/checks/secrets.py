# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads Secrets that options name, where the account may."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional

from ...errors import ForbiddenError, InputError
from ...kube.client import KubeClient

Warn = Callable[[str], None]


@dataclass(frozen=True)
class NamedSecret:
    """A Secret that exists.

    Attributes:
        subject: kind, namespace and name, for errors.
        option: that names it.
        hint: how to make one that fits.
        item: the object.
    """

    subject: str
    option: str
    hint: str
    item: Mapping[str, Any]

    def text(self, key: str) -> str:
        """Return the text of a key.

        Raises:
            InputError: it is empty or missing.
        """
        found = self.text_or_none(key)
        if not found:
            raise self.error(f"its key {key} is empty")
        return found

    def text_or_none(self, key: str) -> str:
        """Return the text of a key, empty where there is none."""
        data = self.item.get("data") or {}
        try:
            return base64.b64decode(str(data.get(key) or ""), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return ""

    def error(self, message: str) -> InputError:
        """Return the error about it."""
        return InputError(message, option=self.option, subject=self.subject, hint=self.hint)


def read_secret(
    client: KubeClient, namespace: str, name: str, option: str, hint: str, warn: Warn
) -> Optional[NamedSecret]:
    """Return a Secret, None with a warning where it may not be read.

    Raises:
        InputError: it does not exist.
    """
    subject = f"Secret {namespace}/{name}"
    try:
        item = client.get("v1", "Secret", name, namespace)
    except ForbiddenError:
        warn(f"{option}: the account may not get {subject}, so it was not checked.")
        return None
    if item is None:
        raise InputError("it does not exist", option=option, subject=subject, hint=hint)
    return NamedSecret(subject, option, hint, item)
