# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Services and pods of a server do not tell about its ways in, as an annotation. Pure.

The first Service has it, so that C(model_server_info) names the same ways as C(model_server) and
needs no right to read Ingresses, Routes and whatever else a controller has. Values by which nothing
would be told differently are left out, and with them the annotation.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from ...config.generation import release_of
from ...spec.exposure.hosts import REST_PATHS
from ...spec.exposure.options import ExposeSpec
from ...spec.exposure.reach import AUTO, way_of
from ...spec.server import ServerSpec

ANNOTATION = "openvino.edge/reach"


@dataclass(frozen=True)
class Note:
    """How a server is reached, besides its Services.

    Attributes:
        reach: the option of that name.
        way: from outside; empty without.
        exposed: URLs by interface; the scheme of gRPC is C(grpc), with TLS C(grpcs).
        paths: of REST that are exposed.
        asks: interfaces whose clients from outside need a certificate of their own.
        chosen: what C(auto) was found to stand for, so that it goes on to; empty without.
        release: of OVMS if an option told it and the image does not; C(None) otherwise.
    """

    reach: str = AUTO
    way: str = ""
    exposed: Mapping[str, str] = field(default_factory=dict)
    paths: Tuple[str, ...] = REST_PATHS
    asks: Tuple[str, ...] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)
    release: Optional[Tuple[int, int]] = None


NOTHING = Note()


def note_of(spec: ServerSpec) -> Note:
    """Return what is to be noted of a server."""
    expose, reach = spec.running.expose, spec.running.reach
    known = None if spec.generation.probed else spec.generation.release
    release = None if known == release_of(spec.image) else known
    if expose is None:
        return Note(reach=reach, release=release)
    return Note(
        reach=reach,
        way=way_of(expose),
        exposed=_urls(expose),
        paths=_paths(expose),
        asks=expose.asked,
        chosen=expose.chosen.told if expose.chosen is not None else {},
        release=release,
    )


def _urls(expose: ExposeSpec) -> Dict[str, str]:
    found = expose.addresses()
    if "grpc" in found:
        secured = expose.tls_of("grpc") is not None or found["grpc"].endswith(":443")
        found["grpc"] = f"{'grpcs' if secured else 'grpc'}://{found['grpc']}"
    return found


def _paths(expose: ExposeSpec) -> Tuple[str, ...]:
    return REST_PATHS if expose.rest is None else expose.rest.paths


def to_annotations(spec: ServerSpec) -> Dict[str, str]:
    """Return the annotation of the first Service, none where there is nothing to tell."""
    usual, wanted = asdict(NOTHING), asdict(note_of(spec))
    told = {key: value for key, value in wanted.items() if value != usual[key]}
    if told.get("asks") and len(told["asks"]) == len(wanted["exposed"]):
        told["asks"] = True  # All of them.
    if not told:
        return {}
    return {ANNOTATION: json.dumps(told, sort_keys=True, separators=(",", ":"))}


def read(service: Mapping[str, Any]) -> Note:
    """Return the note on a Service; one that is damaged counts as none."""
    text = (service["metadata"].get("annotations") or {}).get(ANNOTATION)
    try:
        told = json.loads(text) if text else {}
        release, asks = told.get("release"), told.get("asks") or ()
        exposed = {str(key): str(item) for key, item in told.get("exposed", {}).items()}
        return Note(
            reach=str(told.get("reach", AUTO)),
            way=str(told.get("way", "")),
            exposed=exposed,
            paths=tuple(map(str, told.get("paths", REST_PATHS))),
            asks=tuple(exposed if asks is True else map(str, asks)),
            chosen={str(key): str(item) for key, item in told.get("chosen", {}).items()},
            release=(int(release[0]), int(release[1])) if release else None,
        )
    except (ValueError, TypeError, AttributeError, LookupError):
        return NOTHING
