# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for the pods that a controller creates from a server's custom resource."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ...errors import ApiError, InputError, WaitError
from ...kube.apply import Change
from ...kube.client import KubeClient
from ...kube.follow import Source
from ...kube.health.workloads import Verdict
from ...kube.wait import wait_for
from ...runtime import Runtime
from ..plan.adoption import HELM_RELEASE
from ..plan.diff import Key, covers
from ..render.identity import Object
from ..spec.backend import MODEL_SERVER
from ..spec.server import ServerSpec
from ..status.progress import complete
from ..status.retry import NOTHING_TRIED, Attempts
from .conditions import NOT_SEEN, NOTHING_MADE, Signs, judge, trouble_of
from .names import Made

# sigs.k8s.io/structured-merge-diff, typed/validate.go.
_UNDECLARED = re.compile(r"\.(spec\S*): field not declared in schema")


class Controlled:
    """The pods that a controller makes of one server.

    Args:
        client: of the cluster.
        spec: the server.
        runtime: progress.
        made: what the controller makes of the server.
        signs: how it shows what it has done.
    """

    ours = False

    def __init__(
        self, client: KubeClient, spec: ServerSpec, runtime: Runtime, made: Made, signs: Signs
    ) -> None:
        self._client = client
        self._spec = spec
        self._runtime = runtime
        self._made = made
        self._signs = signs
        self.kind = made.owner[1]

    @property
    def _what(self) -> str:
        return f"{self.kind} {self._spec.namespace}/{self._spec.name}"

    @property
    def pod_spec(self) -> ServerSpec:
        """Return the spec with the port on which the pods themselves answer."""
        return self._spec

    @property
    def reached(self) -> ServerSpec:
        """Return the spec with the name of the Service that the controller makes."""
        return replace(self._spec, name=self._made.deployment)

    def file_of(self, text: str) -> str:
        """Return the text of the configuration file."""
        return text

    def read(self) -> List[Object]:
        """Return the pods."""
        selector = self._made.selector
        return self._client.list("v1", "Pod", self._spec.namespace, label_selector=selector)[0]

    def settle(
        self, workload: Optional[Object], pods: Sequence[Object], timeout: float
    ) -> List[Object]:
        """Return the pods once exactly the wanted ones run and are ready.

        Raises:
            WaitError: no controller acts, it complains, or the pods have trouble.
        """
        if workload is not None and self.settled(workload, pods):
            return list(pods)
        deadline = time.monotonic() + timeout
        found = self.wait(timeout)
        self.finish(deadline)
        return found

    def retry(self, workload: Object, pods: Sequence[Object]) -> Mapping[str, Attempts]:
        """Do nothing: the pods are the controller's."""
        return NOTHING_TRIED

    def settled(self, owner: Object, pods: Sequence[Object]) -> bool:
        """Tell whether a resource that was left alone has all that was asked for already."""
        if trouble_of(self._signs, owner):
            return False
        place = self._spec.namespace
        found = self._client.get("apps/v1", "Deployment", self._made.deployment, place)
        if found is None or self._signs.behind(owner, found):
            return False
        return complete({"kind": "Deployment", **found}, pods)

    def finish(self, deadline: float) -> None:
        """Wait for steps after the pods, if the controller has any; the default does nothing.

        Raises:
            WaitError: it is not done at C(deadline), of C(time.monotonic).
        """

    def wait(self, timeout: float) -> List[Object]:
        """Return the pods once exactly the wanted ones run and are ready.

        Raises:
            WaitError: no controller acts, it complains, or the pods have trouble.
        """
        place, labels = self._spec.namespace, self._made.selector
        by_name = f"metadata.name={self._spec.name}"
        api_version, kind = self._made.owner
        sources = [
            Source(api_version, kind, place, field_selector=by_name),
            Source(
                "apps/v1",
                "Deployment",
                place,
                field_selector=f"metadata.name={self._made.deployment}",
            ),
            Source("apps/v1", "ReplicaSet", place, labels, optional=True),
            Source("v1", "Pod", place, labels),
            Source("v1", "Event", place, optional=True),
        ]
        said: List[str] = []

        def progress(line: str) -> None:
            said.append(line)
            self._runtime.progress(f"{self._spec.name}: {line}")

        def judged(snapshot: List[List[Dict[str, Any]]]) -> Verdict:
            return judge(self._signs, snapshot)

        try:
            pods: List[Object] = wait_for(
                self._client, sources, judged, timeout, what=self._what, progress=progress
            )
        except WaitError as error:
            last = said[-1] if said else NOTHING_MADE
            if not error.details.get("reason") and last.startswith((NOTHING_MADE, NOT_SEEN)):
                raise self._nobody(last, timeout) from error
            raise
        return pods

    def _nobody(self, what: str, timeout: float) -> WaitError:
        who = self._made.who
        return WaitError(
            f"{what} within {timeout:g} s",
            subject=self._what,
            hint=f"Look whether {who} runs and watches this namespace, and what it logs;"
            " backend: manifests needs no controller",
            details={"reason": "NoController" if what == NOTHING_MADE else "ControllerBehind"},
        )

    def check_namespace(self, namespace: Optional[Mapping[str, Any]]) -> None:
        """Do nothing; a backend overrides this if Pod Security can refuse its pods."""

    def check_free(self, current: Mapping[Key, Object]) -> None:
        """Refuse names that other objects have: the controller would take those objects over.

        It would then delete them with the resource, although it did not create them.

        Raises:
            InputError: names the object, and its Helm release.
        """
        if (self.kind, self._spec.name) in current:
            return
        name, namespace = self._made.deployment, self._spec.namespace
        for api_version, kind in (("apps/v1", "Deployment"), ("v1", "Service")):
            found = self._client.get(api_version, kind, name, namespace)
            if found is None:
                continue
            metadata = found["metadata"]
            release = (metadata.get("annotations") or {}).get(HELM_RELEASE)
            whose = f"the Helm release '{release}'" if release else "someone else"
            raise InputError(
                "it is being deleted"
                if metadata.get("deletionTimestamp")
                else f"it belongs to {whose}, and {self._made.who} would take it over and, one"
                " day, delete it",
                option="name",
                subject=f"{kind} {namespace}/{name}",
                hint="Choose another name, delete it, or take it over with backend: manifests and"
                " adopt: true",
            )

    def explain(self, error: ApiError) -> Optional[InputError]:
        """Return an error about a field that this cluster's definition does not have."""
        found = _UNDECLARED.search(str(error))
        return self._undeclared(found.group(1)) if found else None

    def check_predicted(self, wanted: Sequence[Object], predicted: Sequence[Change]) -> None:
        """Refuse a field that the API server would drop silently.

        It does so with a ModelServer, whose definition allows unknown fields at the top only.

        Raises:
            InputError: names the field and the option.
        """
        for item in wanted:
            after = next(
                (
                    change.after
                    for change in predicted
                    if (change.kind, change.name) == (item["kind"], item["metadata"]["name"])
                ),
                None,
            )
            if item["kind"] != MODEL_SERVER[1] or after is None:
                continue
            path = lost_path(item.get("spec"), after.get("spec"), "spec")
            if path:
                raise self._undeclared(path)

    def _undeclared(self, path: str) -> InputError:
        return InputError(
            f"its definition on this cluster has no field {path}",
            option=option_of(path) or "backend",
            subject=self._what,
            hint="Leave the option out, update the definition (CRD), or use backend: manifests",
        )


def lost_path(wanted: Any, found: Any, path: str) -> str:
    """Return the path of the first wanted value that is missing; empty without one."""
    if isinstance(wanted, Mapping):
        for key, value in wanted.items():
            inner = found.get(key) if isinstance(found, Mapping) else None
            lost = lost_path(value, inner, f"{path}.{key}")
            if lost:
                return lost
        return ""
    return "" if covers(found, wanted) or wanted in (None, "", [], {}) else path


def option_of(path: str) -> str:
    """Return the option that a field of a ModelServer comes from; empty when it is none."""
    from ..chart.table import BY_PATH

    field = BY_PATH.get(path.partition("spec.")[2])
    return field.option if field else ""
