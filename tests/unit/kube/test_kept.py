# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client for all that a thread does with one login."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.kept import kept_open
from ansible_collections.openvino.edge.plugins.module_utils.kube.patience import AWAY

HERE = {"host": "https://127.0.0.1:9", "validate_certs": False}


def made(**params: object) -> KubeClient:
    return KubeClient.from_params({**HERE, **params})


def ended(client: KubeClient) -> bool:
    return client.transport.closed


def test_the_same_login_gives_the_same_client_until_the_end() -> None:
    with kept_open():
        with made(name="one task") as first:
            assert not ended(first)
        assert made(name="another task") is first and not ended(first)
    assert ended(first)
    with made() as after:
        assert after is not first
    assert ended(after)


def test_one_that_waits_itself_has_a_client_of_its_own() -> None:
    """The journal on a hub that is a cluster as well must not make its steps impatient."""
    with kept_open():
        journal = KubeClient.from_params(HERE, longest=0.0)
        step = made()
        assert journal is not step and journal is KubeClient.from_params(HERE, longest=0.0)
        assert (journal.patience, step.patience) == (0.0, AWAY)


def test_nothing_of_a_client_stays_when_it_is_done() -> None:
    """One task for a thousand clusters makes a client, with a TLS context of its own, for each."""
    gc.disable()
    try:
        with kept_open():
            client = made()
            held: list[Any] = [weakref.ref(client.transport), weakref.ref(client.endpoint.tls)]
            del client
            assert None not in [item() for item in held]
        assert [item() for item in held] == [None, None], "without a look for circles"
    finally:
        gc.enable()


def test_another_login_or_another_thread_gives_another_client() -> None:
    with kept_open(), ThreadPoolExecutor(1) as pool:
        first, other = made(api_key="a"), made(api_key="b")
        assert first is not other and first is made(api_key="a")
        elsewhere = pool.submit(made, api_key="a").result()
        assert elsewhere is not first
        elsewhere.close()
        assert ended(elsewhere), "only this thread keeps clients"
    assert ended(first) and ended(other)
