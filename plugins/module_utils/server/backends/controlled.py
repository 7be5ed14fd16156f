# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploy a server whose pods a controller of the cluster makes, and move a server to or from one.

A server moves when its C(backend) changes. The pods of the old one serve until those of the new one
are ready: should no controller act, nothing was lost. Only where new pods need what the old ones
hold, the old ones go first.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    EdgeError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import Change
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.follow import Source
from ansible_collections.openvino.edge.plugins.module_utils.kube.wait import wait_for, wait_gone
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import kinds, pss
from ansible_collections.openvino.edge.plugins.module_utils.server.adoption import is_adopted
from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import (
    CONTROLLED,
    MANIFESTS,
    MODEL_SERVER,
    OPERATOR,
    STANDS_FOR_PODS,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.judging import (
    NOT_SEEN,
    NOTHING_MADE,
    follows,
    judge,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.names import (
    Made,
    backend_of,
    made_by,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.operator_lint import (
    single,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import (
    Object,
    holds_device,
    pod_selector_text,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.plan import covers
from ansible_collections.openvino.edge.plugins.module_utils.server.progress import complete
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore

# The chart's containers always listen there; rest_port is that of its Service.
OPERATOR_REST_PORT = 8081
# sigs.k8s.io/structured-merge-diff, typed/validate.go.
_UNDECLARED = re.compile(r"\.(spec\S*): field not declared in schema")


class Controlled:
    """The pods that a controller makes of one server.

    Args:
        client: of the cluster.
        spec: the server.
        runtime: progress.
    """

    def __init__(self, client: KubeClient, spec: ServerSpec, runtime: Runtime) -> None:
        self._client = client
        self._spec = spec
        self._runtime = runtime
        self._made: Made = made_by(spec.backend, spec.name)
        self.kind = STANDS_FOR_PODS[spec.backend][1]

    @property
    def _what(self) -> str:
        return f"{self.kind} {self._spec.namespace}/{self._spec.name}"

    @property
    def pod_spec(self) -> ServerSpec:
        """Return the spec with the port on which the pods themselves answer."""
        if self._spec.backend != OPERATOR:
            return self._spec
        return replace(self._spec, rest_port=OPERATOR_REST_PORT)

    @property
    def reached(self) -> ServerSpec:
        """Return the spec with the name of the Service that the controller makes."""
        return replace(self._spec, name=self._made.deployment)

    def file_of(self, text: str) -> str:
        """Return the text of the configuration file, empty where the operator needs none."""
        return "" if self._spec.backend == OPERATOR and single(self._spec) else text

    def read_pods(self) -> List[Object]:
        """Return the pods."""
        selector = self._made.selector
        return self._client.list("v1", "Pod", self._spec.namespace, label_selector=selector)[0]

    def settled(self, owner: Optional[Object], pods: Sequence[Object]) -> bool:
        """Tell whether a resource that was left alone has all its pods already."""
        if owner is None:
            return False
        place = self._spec.namespace
        found = self._client.get("apps/v1", "Deployment", self._made.deployment, place)
        if found is None or not follows({"kind": self.kind, **owner}, found):
            return False
        return complete({"kind": "Deployment", **found}, pods)

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

        def judged(snapshot: List[List[Dict[str, Any]]]) -> Any:
            owners = [{"kind": kind, **item} for item in snapshot[0]]
            return judge([owners, *snapshot[1:]])

        try:
            pods: List[Object] = wait_for(
                self._client, sources, judged, timeout, what=self._what, progress=progress
            )
        except WaitError as error:
            last = said[-1] if said else NOTHING_MADE
            if not error.details.get("reason") and last in (NOTHING_MADE, NOT_SEEN):
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
        """Refuse a namespace that would refuse the operator's pods, which ask for no restraint.

        Raises:
            InputError: names the level.
        """
        if self._spec.backend != OPERATOR or namespace is None:
            return
        labels = {**(namespace["metadata"].get("labels") or {}), **self._spec.namespace_labels}
        level = pss.enforced_level({"metadata": {"labels": labels}})
        if level == "restricted":
            needed = "privileged" if isinstance(self._spec.store, HostPathStore) else "baseline"
            raise InputError(
                f"it enforces the Pod Security level {level}, which the pods of the operator do"
                " not pass",
                option="backend",
                subject=f"Namespace {self._spec.namespace}",
                hint=f"Label it {pss.ENFORCE_LABEL}={needed}, or use backend: manifests",
            )

    def explain(self, error: ApiError) -> Optional[InputError]:
        """Return an error about a field that this cluster's definition does not have."""
        found = _UNDECLARED.search(str(error))
        return self._undeclared(found.group(1)) if found else None

    def check_predicted(self, wanted: Sequence[Object], predicted: Sequence[Change]) -> None:
        """Refuse a field that the API server would drop without a word.

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
    """Return the path of the first value that is not there; empty when all are."""
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
    from ansible_collections.openvino.edge.plugins.module_utils.server.parity.table import BY_PATH

    field = BY_PATH.get(path.partition("spec.")[2])
    return field.option if field else ""


def moves(spec: ServerSpec, stale: Sequence[Object]) -> bool:
    """Tell whether the server goes from one backend to another."""
    gone = {str(item["kind"]) for item in stale}
    if gone & set(CONTROLLED):
        return True
    return spec.backend != MANIFESTS and bool(gone & set(kinds.WORKLOADS))


def postponed(spec: ServerSpec, stale: Sequence[Object]) -> List[Object]:
    """Return what a move leaves to serve until the new pods are ready.

    Raises:
        InputError: old and new Deployment would have one name, or the old one was adopted.
    """
    if not moves(spec, stale):
        return []
    old = [item for item in stale if item["kind"] in (*kinds.WORKLOADS, *CONTROLLED)]
    if any(map(is_adopted, stale)):
        raise InputError(
            "it was taken over with adopt, and what it was before would be lost",
            option="backend",
            subject=f"{old[0]['kind']} {spec.namespace}/{spec.name}",
            hint="Give it back with state: returned, or remove it with state: absent",
        )
    names = [_deployment(item) for item in old]
    new = spec.name if spec.backend == MANIFESTS else made_by(spec.backend, spec.name).deployment
    if new in names:
        raise InputError(
            f"the Deployment of the old server is named {new}, and so is that of the new one",
            option="backend",
            subject=f"{old[0]['kind']} {spec.namespace}/{spec.name}",
            hint="Run once with state: absent, which leaves the models, and then again",
        )
    if spec.strategy == "Recreate" or any(map(_holds_device, old)):
        return []
    return kinds.for_removal(stale)


def _deployment(item: Object) -> str:
    name = str(item["metadata"]["name"])
    if item["kind"] in kinds.WORKLOADS:
        return name
    return made_by(backend_of(str(item["kind"])), name).deployment


def _holds_device(item: Object) -> bool:
    if item["kind"] in kinds.WORKLOADS:
        return holds_device(item["spec"]["template"])
    spec = item["spec"]
    resources = (spec.get("deployment_parameters") or {}).get("resources") or {}
    predictor = spec.get("predictor") or {}
    model = (predictor.get("model") or {}).get("resources") or {}
    limits = {**(resources.get("limits") or {}), **(model.get("limits") or {})}
    held = bool(limits.get("xpu_device") or predictor.get("resourceClaims"))
    return held or any("/" in name for name in limits)


def wait_gone_with(
    client: KubeClient, removed: Sequence[Object], name: str, namespace: str, timeout: float
) -> None:
    """Wait until the pods of removed resources are gone, and the resources themselves.

    Raises:
        WaitError: names what is still there.
    """
    deadline = time.monotonic() + timeout
    for item in removed:
        left = max(1.0, deadline - time.monotonic())
        kind = str(item["kind"])
        if kind in kinds.WORKLOADS:
            source = Source("v1", "Pod", namespace, pod_selector_text(name))
            wait_gone(client, source, left, what=f"pods of server {namespace}/{name}")
        elif kind in CONTROLLED:
            made = made_by(backend_of(kind), name)
            _wait_owner_gone(client, made, name, namespace, left)
            source = Source("v1", "Pod", namespace, made.selector)
            what = f"pods of {kind} {namespace}/{name}"
            wait_gone(client, source, max(1.0, deadline - time.monotonic()), what=what)


def _wait_owner_gone(
    client: KubeClient, made: Made, name: str, namespace: str, timeout: float
) -> None:
    api_version, kind = made.owner
    source = Source(api_version, kind, namespace, field_selector=f"metadata.name={name}")
    try:
        wait_gone(client, source, timeout, what=f"{kind} {namespace}/{name}")
    except WaitError as error:
        raise WaitError(
            f"it is being deleted, and {made.who} has not let go of it within {timeout:g} s",
            subject=f"{kind} {namespace}/{name}",
            hint=f"Look whether {made.who} runs; without it take the finalizers off",
            details={"reason": "NoController"},
        ) from error
    except EdgeError as error:
        # The definition may go together with its last resource.
        if not (isinstance(error, ApiError) and error.status == 404):
            raise
