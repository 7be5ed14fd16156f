# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WebSocket frames, with bytes from RFC 6455 and scripted ones."""

from __future__ import annotations

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    TransferError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire import websocket
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.websocket import (
    BINARY,
    CLOSE,
    NO_KEY,
    PING,
    PONG,
    TEXT,
    Decoder,
    Message,
    accepted,
    encode,
    handshake,
    head,
    masked,
    new_key,
)
from hypothesis import given
from hypothesis import strategies as st


def frame(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """A frame as a server sends it: not masked."""
    first = (0x80 if final else 0) | opcode
    if len(payload) < 126:
        head = bytes((first, len(payload)))
    elif len(payload) < 65536:
        head = bytes((first, 126)) + len(payload).to_bytes(2, "big")
    else:
        head = bytes((first, 127)) + len(payload).to_bytes(8, "big")
    return head + payload


def test_the_examples_of_the_rfc() -> None:
    """Section 5.7: unmasked text, its two fragments, and a ping."""
    decoder = Decoder()
    assert decoder.feed(bytes.fromhex("810548656c6c6f")) == [Message(TEXT, b"Hello")]
    assert decoder.feed(bytes.fromhex("010348656c")) == []
    assert decoder.feed(bytes.fromhex("80026c6f")) == [Message(TEXT, b"Hello")]
    assert decoder.feed(bytes.fromhex("890548656c6c6f")) == [Message(PING, b"Hello")]


def test_handshake_of_the_rfc() -> None:
    """Section 1.3."""
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    headers = {
        "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "sec-websocket-protocol": "v5",
    }
    assert accepted(key, ("v5", "v4"), headers) == "v5"
    with pytest.raises(UnsupportedError, match="answered wrongly"):
        accepted(new_key(), ("v5",), headers)
    with pytest.raises(UnsupportedError, match="unknown protocol"):
        accepted(key, ("v4",), headers)
    assert handshake("k", ("v5", "v4"))["Sec-WebSocket-Protocol"] == "v5, v4"


@pytest.mark.parametrize("key", [NO_KEY, b"\1\2\3\4"])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_client_frames_are_masked(size: int, key: bytes) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    data = encode(BINARY, payload[:1], payload[1:size], key=key)
    whole = payload[:1] + payload[1:size]
    before = len(data) - len(whole)
    assert data[0] == 0x82
    assert data[1] & 0x80
    assert data[:before] == head(BINARY, len(whole), key)
    assert data[before - 4 : before] == key
    assert data[before:] == bytes(byte ^ key[at % 4] for at, byte in enumerate(whole))
    plain = bytes((data[0], data[1] & 0x7F)) + data[2 : before - 4] + whole
    assert Decoder().feed(plain) == [Message(BINARY, whole)]


def test_the_masked_example_of_the_rfc() -> None:
    """Section 5.7: a masked text."""
    key = bytes.fromhex("37fa213d")
    assert encode(TEXT, b"Hello", key=key) == bytes.fromhex("818537fa213d7f9f4d5158")


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_masking_twice_is_nothing(payload: bytes, key: bytes) -> None:
    sent = masked(payload, key)
    assert sent == bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
    assert masked(sent, key) == payload


def test_control_frame_between_fragments() -> None:
    stream = frame(BINARY, b"a", final=False) + frame(PONG, b"") + frame(0, b"b")
    assert Decoder().feed(stream) == [Message(PONG, b""), Message(BINARY, b"ab")]


@given(
    st.lists(st.tuples(st.sampled_from([TEXT, BINARY, PING, CLOSE]), st.binary(max_size=300))),
    st.lists(st.integers(1, 400), min_size=1),
)
def test_any_cutting_gives_the_same_messages(
    messages: list[tuple[int, bytes]], sizes: list[int]
) -> None:
    wanted = [Message(op, data if op < CLOSE else data[:125]) for op, data in messages]
    stream = b"".join(frame(message.opcode, message.payload) for message in wanted)
    decoder, found, at, turn = Decoder(), [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        found += decoder.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert found == wanted


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("c10548656c6c6f"),
        bytes.fromhex("818537fa213d7f9f4d5158"),
        frame(0, b"no beginning"),
        frame(BINARY, b"a", final=False) + frame(BINARY, b"b"),
        frame(PING, b"x", final=False),
        frame(PING, bytes(126)),
        b"\x82\x7f" + (websocket.MAX_MESSAGE + 1).to_bytes(8, "big"),
    ],
)
def test_what_a_server_may_not_send(data: bytes) -> None:
    with pytest.raises(TransferError):
        Decoder().feed(data)
