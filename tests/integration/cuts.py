# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the way to pods from an API server, as of a control plane outside of the pod network.

The rules are in a table of their own in the control machine's network namespace and name the
addresses of single pods, so other tests on the same cluster are not disturbed.
"""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.helper_pod import (
    Helper,
)

LAB = Path(__file__).resolve().parents[1] / "testbed" / "lab" / "lab"


@dataclass
class Cut:
    """Packets of one API server to some pods that get lost (C(drop)) or are refused (C(reject))."""

    cluster: str
    verdict: str = "drop"
    table: str = field(default_factory=lambda: f"edge-cut-{uuid.uuid4().hex[:8]}")

    def up(self) -> None:
        """Make the table, without any address."""
        chain = "type filter hook output priority filter;"
        rule = f"ip daddr @pods counter {self.verdict}"
        body = f"set pods {{ type ipv4_addr; }}; chain out {{ {chain} {rule}; }};"
        self._nft(f"table ip {self.table} {{ {body} }}")

    def sever(self, address: str) -> None:
        """Take the way to one address, at once and for open connections too."""
        self._nft(f"add element ip {self.table} pods {{ {address} }}")

    def packets(self) -> int:
        """Return how many packets have met the rule."""
        found = re.search(r"packets (\d+)", self._nft(f"list table ip {self.table}"))
        assert found is not None
        return int(found.group(1))

    def down(self) -> None:
        """Remove the table."""
        self._nft(f"delete table ip {self.table}")

    def _nft(self, line: str) -> str:
        command = [str(LAB), "exec", f"{self.cluster}-control", "--", "nft", line]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def cut_off(cluster: Any, verdict: str = "drop") -> Iterator[Cut]:
    """Give a cut of a cluster's API server; it is mended at the end."""
    if os.environ.get("EDGE_KUBECONFIG"):
        pytest.skip("the network of a cluster that is not the lab's is left alone")
    cut = Cut(cluster.name, verdict)
    cut.up()
    try:
        yield cut
    finally:
        cut.down()


def sever_helpers(cut: Cut, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cut each helper off as soon as it runs; returns the list that gets their addresses."""
    start, addresses = Helper.start, []

    def started(self: Helper) -> str:
        pod = start(self)
        cut.sever(self.address)
        addresses.append(self.address)
        return pod

    monkeypatch.setattr(Helper, "start", started)
    return addresses
