# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that show no token: bounded in number, size and time."""

from __future__ import annotations

import http.client
import socket
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import callers

from ..conftest import TOKEN, wait_for


def connect(agent: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", agent.port), timeout=10)


def ended(connection: socket.socket) -> bool:
    connection.settimeout(0.05)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def threads(agent: Any) -> int:
    with open(f"/proc/{agent.process.pid}/status", encoding="ascii") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("Threads:"))


def test_case_42_half_open_connections_are_bounded_and_keep_nobody_out(make_agent: Any) -> None:
    agent = make_agent()
    before = threads(agent)
    known = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=30)
    known.request("POST", "/v1/facts", b"{}", {"X-Edge-Token": TOKEN})
    assert known.getresponse().read()
    strangers = []
    for number in range(4 * callers.STRANGERS):
        strangers.append(connect(agent))
        strangers[-1].sendall(b"POST /v1/facts HTTP/1.1\r\nX-Edge" if number % 2 else b"")
    wait_for(lambda: threads(agent) <= before + callers.STRANGERS + 2)
    assert ended(strangers[0]) and not ended(strangers[-1])
    assert agent.ok("/v1/facts")["free_bytes"] > 0
    known.request("POST", "/v1/facts", b"{}", {"X-Edge-Token": TOKEN})  # who is known stays
    assert known.getresponse().status == 200
    for connection in strangers:
        connection.close()


def test_case_42_a_head_is_bounded(make_agent: Any) -> None:
    agent = make_agent()
    with connect(agent) as connection:
        connection.sendall(b"POST /v1/facts HTTP/1.1\r\n")
        try:
            for _line in range(40):
                connection.sendall(b"X-A: " + b"a" * 1000 + b"\r\n")
            answer = connection.recv(100)
        except OSError:
            answer = b""
    assert answer == b"" or b" 431 " in answer
    assert agent.ok("/v1/facts")


def test_case_42_what_a_stranger_sends_is_not_read(make_agent: Any) -> None:
    agent = make_agent()
    with connect(agent) as connection:
        head = b"PUT /v1/pack/sha256:" + b"0" * 64 + b" HTTP/1.1\r\nContent-Length: 99999999\r\n"
        connection.sendall(head + b"X-Edge-Token: wrong\r\n\r\n")
        assert b" 401 " in connection.recv(1000)
        wait_for(lambda: ended(connection))


def test_case_42_strangers_have_to_hurry(monkeypatch: Any) -> None:
    crowd = callers.Strangers()
    here, there = socket.socketpair()
    crowd.add(here)
    crowd.hurry()
    assert not ended(there)
    monkeypatch.setattr(callers, "STRANGER_SECONDS", -1.0)
    crowd.hurry()
    assert ended(there)
    here.close()
    there.close()
