# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a request to an API server, and the request in words. Pure."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .wire.http import Request
from .wire.upload import Upload

Json = Dict[str, Any]
Query = Sequence[Tuple[str, str]]


def request(
    method: str,
    path: str,
    query: Query,
    body: Any,
    headers: Optional[Mapping[str, str]],
    repeatable: bool,
) -> Request:
    """Return a request whose body, if any, is JSON; see C(KubeClient.request_json)."""
    upload = None
    named = dict(headers or {})
    if body is not None:
        named.setdefault("Content-Type", "application/json")
        upload = Upload(json.dumps(body).encode())
    return Request(method, path, query, named, upload, repeatable)


def words(verb: str, kind: str, namespace: Optional[str] = None, name: Optional[str] = None) -> str:
    """Return what a request does, for errors."""
    place = "/".join(part for part in (namespace, name) if part)
    return f"{verb} {kind} {place}".rstrip()


def dry(dry_run: bool) -> List[Tuple[str, str]]:
    """Return the query that lets a server only try."""
    return [("dryRun", "All")] if dry_run else []


def selectors(labels: Optional[str], fields: Optional[str]) -> List[Tuple[str, str]]:
    """Return the query that chooses objects."""
    named = (("labelSelector", labels), ("fieldSelector", fields))
    return [(name, value) for name, value in named if value]


def typed(item: Json, api_version: str, kind: str) -> Json:
    """Return an item of a list with kind and apiVersion, which lists leave out."""
    return {"apiVersion": api_version, "kind": kind, **item}
