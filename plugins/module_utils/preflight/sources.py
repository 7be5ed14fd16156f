# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the sources that servers read models from themselves. Pure: objects in, findings out."""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Optional, Sequence

from ..errors import InputError
from ..server.render.cloud import check_existing
from ..server.spec.cloud import CloudStore
from ..server.spec.image_volume import ImageVolumeStore, check_runtimes, check_version
from .checks import NOTE, OK, PROBLEM, CheckResult

Object = Mapping[str, Any]


def check_cloud(store: CloudStore, secret: Optional[Object]) -> List[CheckResult]:
    """Are the credentials there? Whether the bucket takes them, only the server can tell."""
    if store.anonymous:
        message = f"{store} is read without credentials, so it has to be public"
        return [CheckResult("store", NOTE, message)]
    if store.credentials:
        return [CheckResult("store", OK, f"{store} with the given credentials")]
    refused = _refused(lambda: check_existing(store, secret))
    ok = f"{store} with Secret {store.namespace}/{store.secret_name}"
    return refused or [CheckResult("store", OK, ok)]


def check_image(
    store: ImageVolumeStore, version: Object, nodes: Sequence[Object]
) -> List[CheckResult]:
    """Do the cluster and its nodes know volumes that are images?"""
    refused = _refused(lambda: check_version(version)) + _refused(lambda: check_runtimes(nodes))
    return refused or [CheckResult("store", OK, f"{store} as a volume")]


def _refused(check: Callable[[], None]) -> List[CheckResult]:
    """Return what a check of the server's own module would refuse."""
    try:
        check()
    except InputError as error:
        about = f"{error.subject}: " if error.subject else ""
        return [CheckResult("store", PROBLEM, f"{about}{error.message}", error.hint or "")]
    return []
