# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes the release records of one server: one ConfigMap for each release.

A record is created, never applied, so of two runs that would take the same number the API server
refuses the second one, which takes the next. What changes later is only its verdict.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional

from ..errors import ConflictError, EdgeError, InputError, one_line
from ..kube.apply import Change, delete_objects
from ..kube.client import KubeClient
from ..releases import (
    RELEASE_KEY,
    RELEASE_LABEL,
    RELEASE_OF_LABEL,
    Release,
    UnreadableRecord,
    needed,
    of_object,
    to_text,
)
from ..store import MANAGED_BY, MANAGED_BY_LABEL
from .content import digest_of

# A ConfigMap holds 1 MiB (k8s.io/api/core/v1 MaxSecretSize); all records of a server share etcd.
LARGEST = 256 * 1024
# So many runs at the same time may be in front of this one.
_TRIES = 20

Object = Mapping[str, Any]


def object_name(server: str, number: int) -> str:
    """Return the name of a record's ConfigMap."""
    return f"{server}-release-{number}"


class History:
    """The release records of one server.

    Args:
        client: of the cluster.
        namespace: of the server.
        server: its name.
    """

    def __init__(self, client: KubeClient, namespace: str, server: str) -> None:
        self._client, self._namespace, self._server = client, namespace, server
        self._unreadable: List[str] = []

    def read(self) -> List[Release]:
        """Return the releases, oldest first; records of another form are left out."""
        found: List[Release] = []
        self._unreadable = []
        for item in self._objects():
            try:
                release = of_object(item)
                digest = digest_of(release.options, release.withheld)
                found.append(replace(release, digest=digest))
            except UnreadableRecord:
                self._unreadable.append(str(item["metadata"]["name"]))
        return sorted(found, key=lambda item: item.number)

    @property
    def unreadable(self) -> List[str]:
        """Return the names of the records that C(read) could not read."""
        return list(self._unreadable)

    def add(self, release: Release) -> Release:
        """Write a new release under the next free number and return it.

        Raises:
            InputError: it is too big.
            EdgeError: the cluster refuses it.
        """
        for _try in range(_TRIES):
            numbered = replace(release, number=self._next())
            text = to_text(numbered)
            if len(text.encode("utf-8")) > LARGEST:
                raise InputError(
                    f"its options take more than {LARGEST // 1024} KiB",
                    subject=f"release of {self._namespace}/{self._server}",
                    hint="Keep big texts in a ConfigMap of your own",
                )
            try:
                self._client.create(self._object(numbered, text))
            except ConflictError as error:
                if error.reason != "AlreadyExists":
                    raise
            else:
                return numbered
        raise ConflictError(
            f"{_TRIES} other runs have taken each number first",
            status=409,
            reason="Conflict",
            subject=f"releases of {self._namespace}/{self._server}",
        )

    def judge(self, release: Release) -> None:
        """Write the verdict of a release that C(add) has written.

        Raises:
            EdgeError: the cluster refuses it.
        """
        self._client.patch(
            "v1",
            "ConfigMap",
            object_name(self._server, release.number),
            self._namespace,
            {"data": {RELEASE_KEY: to_text(release)}},
        )

    def drop(self, release: Release) -> None:
        """Remove the record of a release that was never begun."""
        self._client.delete(
            "v1", "ConfigMap", object_name(self._server, release.number), self._namespace
        )

    def trim(self, most: int) -> None:
        """Remove the oldest records until there are C(most); those that a way back needs stay."""
        releases = self.read()
        keep = needed(releases)
        for release in releases[: max(0, len(releases) - most)]:
            if release.number not in keep:
                self.drop(release)

    def remove(self, *, check_mode: bool) -> List[Change]:
        """Remove all records: the server is gone."""
        return delete_objects(self._client, self._objects(), check_mode=check_mode)

    def _objects(self) -> List[Dict[str, Any]]:
        selector = f"{MANAGED_BY_LABEL}={MANAGED_BY},{RELEASE_OF_LABEL}={self._server}"
        return self._client.list("v1", "ConfigMap", self._namespace, label_selector=selector)[0]

    def _next(self) -> int:
        numbers = [_number_of(item) for item in self._objects()]
        return max((number for number in numbers if number is not None), default=0) + 1

    def _object(self, release: Release, text: str) -> Dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": object_name(self._server, release.number),
                "namespace": self._namespace,
                "labels": {
                    MANAGED_BY_LABEL: MANAGED_BY,
                    RELEASE_LABEL: str(release.number),
                    RELEASE_OF_LABEL: self._server,
                },
            },
            "data": {RELEASE_KEY: text},
        }


def _number_of(item: Object) -> Optional[int]:
    """Return the number on a record's label; also a record of another form has its number."""
    text = str((item["metadata"].get("labels") or {}).get(RELEASE_LABEL) or "")
    return int(text) if text.isdecimal() else None


def reason_of(error: EdgeError) -> str:
    """Return an error in one line, short enough for a list."""
    return one_line(error.message)
