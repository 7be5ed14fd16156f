# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that take longer than Envoy's 15 s: the processes of a server are held meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from callers import Caller, infer_by_grpc
from serving import Server
from tritonclient.utils import InferenceServerException

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "testbed")]

from web.authority import Pair  # noqa: E402
from web.node_programs import LAB  # noqa: E402

# Envoy's own limit, with some room.
LONGER = 17.0
# The probes of a server that is held must not take it out of its Service, nor start it again.
PATIENT = {name: {"failure_threshold": 20} for name in ("readiness", "liveness")}
# A signal for all processes of a pod, which the node sees by their cgroups.
_SIGNAL = """\
for file in /proc/[0-9]*/cgroup; do
  if grep -q "pod$1" "$file"; then number=${file#/proc/}; kill -"$2" "${number%/cgroup}"; fi
done
"""


@contextmanager
def held(server: Server) -> Iterator[None]:
    """Let no process of the server's only pod run until the end."""
    (pod,) = [item for item in server.pods() if not item.metadata.deletion_timestamp]

    def send(signal: str) -> None:
        command = [str(LAB), "exec", pod.spec.node_name, "--", "sh", "-c", _SIGNAL, "sh"]
        subprocess.run([*command, pod.metadata.uid, signal], check=True, capture_output=True)

    send("STOP")
    try:
        yield
    finally:
        send("CONT")


def infer_slowly(server: Server, caller: Caller, pair: Pair | None = None) -> tuple[Any, Any]:
    """Return what REST and gRPC answer to an inference that takes C(LONGER): numbers, or a text."""
    with ThreadPoolExecutor(2) as pool:
        with held(server):
            asked = [pool.submit(_by_rest, caller, pair), pool.submit(_by_grpc, caller, pair)]
            time.sleep(LONGER)
        rest, grpc = map(Future.result, asked)
    return rest, grpc


def _by_rest(caller: Caller, pair: Pair | None) -> Any:
    with caller.open(caller.context(pair)) as opened:
        opened.secured.settimeout(60)
        try:
            return opened.infer()
        except (KeyError, ValueError) as error:  # Envoy's own text is no JSON.
            return str(error)


def _by_grpc(caller: Caller, pair: Pair | None) -> Any:
    with caller.triton(pair) as client:
        try:
            return infer_by_grpc(client)
        except InferenceServerException as error:
            return str(error.message())
