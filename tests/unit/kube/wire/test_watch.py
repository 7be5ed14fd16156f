# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch protocol as bytes."""

from __future__ import annotations

import json

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ApiError, GoneError
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.watch_events import (
    WatchDecoder,
)


def line(kind: str, **obj: object) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def test_lines_in_pieces() -> None:
    stream = line("ADDED", metadata={"name": "ä", "resourceVersion": "5"})
    stream += line("BOOKMARK", metadata={"resourceVersion": "9"}) + b"\n"
    stream += line("DELETED", metadata={"name": "ä"})
    decoder = WatchDecoder("1")
    found = [event for byte in stream for event in decoder.feed(bytes((byte,)))]
    assert [(event.type, event.object["metadata"]["name"]) for event in found] == [
        ("ADDED", "ä"),
        ("DELETED", "ä"),
    ]
    assert decoder.resource_version == "9"


def test_half_a_line_is_forgotten() -> None:
    decoder = WatchDecoder()
    assert decoder.feed(b'{"type": "ADD') == []
    decoder.reset()
    assert len(decoder.feed(line("ADDED", metadata={}))) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ({"code": 410, "message": "too old"}, GoneError),
        ({"reason": "Expired"}, GoneError),
        ({"code": 500, "message": "boom"}, ApiError),
    ],
)
def test_errors(status: dict[str, object], kind: type[ApiError]) -> None:
    with pytest.raises(kind) as caught:
        WatchDecoder("1").feed(line("ERROR", **status))
    assert type(caught.value) is kind
