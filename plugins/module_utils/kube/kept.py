# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client for all that a thread does with one login.

Each step of a cluster's turn makes a client of its own. Where one thread does many steps, the
connection, the handshake and the kubeconfig are most of what they cost.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, TypeVar

from .auth.options import AUTH_ARGUMENT_SPEC

Client = TypeVar("Client")

_kept: ContextVar[Optional[Dict[str, Any]]] = ContextVar("openvino_edge_clients", default=None)


@contextmanager
def kept_open() -> Iterator[None]:
    """Have this thread use a client again for the same login; they are closed at the end."""
    clients: Dict[str, Any] = {}
    token = _kept.set(clients)
    try:
        yield
    finally:
        _kept.reset(token)
        for client in clients.values():
            client.close()


def kept(params: Mapping[str, Any], longest: float, make: Callable[[], Client]) -> Client:
    """Return the client for the login and the patience of a task: one that is kept, or a new one.

    A hub may be one of the clusters: what is asked of its journal is not to share a client with
    what is done on it, which waits longer.
    """
    clients = _kept.get()
    if clients is None:
        return make()
    login = {name: params.get(name) for name in AUTH_ARGUMENT_SPEC}
    key = json.dumps([longest, login], sort_keys=True, default=str)
    if key not in clients:
        clients[key] = make()
    client: Client = clients[key]
    return client


def is_kept(client: Any) -> bool:
    """Tell whether a client is to stay open."""
    return any(item is client for item in (_kept.get() or {}).values())
