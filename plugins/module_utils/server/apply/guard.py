# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards serving models: compares what replicas serve before and after a change.

A pod is Ready as soon as OVMS has tried to load every model, even if a load failed, so Ready alone
never lets a serving pod end. Each model that was served when the change began has to be AVAILABLE,
in a wanted version, on every replica of the new state. A model that was not served before cannot be
lost, and is left to C(model_status).
"""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Collection, Dict, FrozenSet, List, Mapping, Sequence, Tuple

from ...errors import EdgeError, WaitError
from ...kube.client import KubeClient
from ...runtime import Runtime
from ...verify.explain import Finding
from ...verify.gate import FAILED, PASSED, Limits, Wanted
from ...verify.probe import Prober
from ...verify.replicas import Fleet, replicas_of
from ...verify.report import report
from ...verify.table import status_rows
from ...verify.watcher import Watcher
from ..config.render import served_names
from ..render.identity import Object
from ..spec.server import ServerSpec
from ..status.progress import ready_pods

# Seconds after which a version of a loaded configuration that is not listed is taken as missing:
# OVMS looks up its directory while it loads the configuration.
MISSING_AFTER = 5.0
GATE_SHUT = "GateShut"


class GateShut(WaitError):
    """Replicas do not serve all models served before; the message ends with the table and logs.

    C(final): waiting longer would not help.
    """

    report = ""
    final = False

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.report}" if self.report else super().__str__()


class Guard:
    """Compares the served models of one server.

    Args:
        client: of the cluster.
        spec: the server, with the port on which its pods answer.
        runtime: progress.
    """

    def __init__(self, client: KubeClient, spec: ServerSpec, runtime: Runtime) -> None:
        self._client = client
        self._spec = spec
        self._runtime = runtime
        self.served: FrozenSet[str] = frozenset()

    def begin(self, pods: Sequence[Object], port: int) -> None:
        """Store the models that at least one ready pod serves now; C(port) is its REST port."""
        replicas = replicas_of(ready_pods(pods), port)
        with Prober(self._client, self._spec.namespace, port) as prober:
            try:
                seen = prober.ask_all(replicas)
            except EdgeError:
                return  # without the right to query, nothing can be compared
        statuses = [item.status for item in seen if item.status is not None]
        self.served = frozenset(
            version.model for status in statuses for version in status.versions if version.serving
        )

    def wanted(self, text: str) -> Dict[str, FrozenSet[int]]:
        """Return, by name, the versions of a configuration that must keep serving."""
        asked = self._spec.wanted() or _asked(text)
        return {
            name: frozenset(versions) for name, versions in asked.items() if name in self.served
        }

    def wait(
        self,
        find: Callable[[], Sequence[Object]],
        wanted: Mapping[str, Collection[int]],
        timeout: float,
        *,
        alone: bool = True,
    ) -> None:
        """Wait until every pod that C(find) lists serves what is wanted.

        With C(alone), no other version of these models may be served.

        Raises:
            GateShut: it does not, and says why.
        """
        if not wanted:
            return
        models = {name: frozenset(items) for name, items in wanted.items()}
        asked = Wanted(models, exclusive=False, alone=alone)
        port, place = self._spec.rest_port, self._spec.namespace

        def fleet() -> Fleet:
            replicas = replicas_of(find(), port)
            return Fleet(max(1, len(replicas)), replicas)

        with Prober(self._client, place, port, time.monotonic) as prober:
            watcher = Watcher(
                fleet,
                prober,
                asked,
                Limits(stuck_after=timeout, missing_after=MISSING_AFTER),
                lambda line: self._runtime.progress(f"{self._spec.name}: {line}"),
                clock=time.monotonic,
                sleep=time.sleep,
            )
            verdict = watcher.wait(timeout)
            if verdict.outcome == PASSED:
                return
            findings = watcher.with_logs(verdict.findings)
            rows = status_rows(watcher.tracks, asked, {})
        raise _shut(self._spec, findings, rows, verdict.outcome == FAILED)


def _shut(
    spec: ServerSpec, findings: Sequence[Finding], rows: List[Dict[str, Any]], final: bool
) -> GateShut:
    first = next((finding for finding in findings if finding.final), findings[0])
    error = GateShut(
        f"{first.replica}: {first.message}" if first.replica else first.message,
        subject=f"server {spec.namespace}/{spec.name}",
        hint=first.hint,
        details={
            "reason": GATE_SHUT,
            "timed_out": not final,
            "problems": [finding.as_dict() for finding in findings],
            "statuses": rows,
        },
    )
    error.report = report(findings, rows)
    error.final = final
    return error


def _asked(text: str) -> Dict[str, Tuple[int, ...]]:
    """Return the models and versions of a user's own configuration."""
    try:
        return {name: tuple(versions) for name, versions in served_names(json.loads(text)).items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
