# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for the OpenVINO operator and for KServe, and the definitions of their resources.

They make what those controllers make (C(tests/testbed/platforms)): a Deployment and a Service,
owned by the resource, and its status, when they are there and when they cannot be. What they do
beyond that is not here.
"""

from __future__ import annotations

import copy
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from definitions import alone
from kubernetes import client as k8s

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "testbed")]

from platforms import router  # noqa: E402
from platforms.chart import ReleaseFailed, chart  # noqa: E402
from platforms.kserve import standard  # noqa: E402

Object = dict[str, Any]
# Group, version, plural and kind.
MODEL_SERVERS = ("intel.com", "v1alpha1", "modelservers", "ModelServer")
RUNTIMES = ("serving.kserve.io", "v1alpha1", "servingruntimes", "ServingRuntime")
SERVICES = ("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService")
ROUTES = ("route.openshift.io", "v1", "routes", "Route")
_FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _own_definition(group: str, version: str, plural: str, kind: str) -> Object:
    """Return a small definition; like the real one it has no field for a Secret with variables."""
    fields: Object = {"spec": _FREE, "status": _FREE}
    if kind == "ModelServer":
        names = ("node_affinity", "pod_affinity", "pod_antiaffinity", "update_strategy")
        known: Object = dict.fromkeys((*names, "resources"), _FREE)
        known |= {"replicas": {"type": "integer"}, "openshift_service_mesh": {"type": "boolean"}}
        deployment = {"type": "object", "properties": known}
        fields["spec"] = {**_FREE, "properties": {"deployment_parameters": deployment}}
    schema = {"type": "object", "properties": fields}
    served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}}
    names_ = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": names_,
            "scope": "Namespaced",
            "versions": [{**served, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def _definition(group: str, version: str, plural: str, kind: str) -> Object:
    """Return the real definition where it is at hand, else a small one."""
    path = Path(os.environ.get("EDGE_CRDS", "/nowhere")) / f"{group}_{plural}.yaml"
    if path.exists():
        # One of them has 39000 lines, on which the loader in Python takes a minute.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        found: Object = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        return found
    return _own_definition(group, version, plural, kind)


@contextmanager
def definitions(cluster: Any) -> Iterator[None]:
    """Make the kinds of the operator and of KServe known to a cluster."""
    api = k8s.ApiextensionsV1Api(cluster.api)
    custom = k8s.CustomObjectsApi(cluster.api)
    # The definition of an InferenceService is large: its answer is not made into objects.
    raw = {"_preload_content": False}
    names = []

    def served(group: str, version: str, plural: str) -> bool:
        try:
            custom.list_cluster_custom_object(group, version, plural)
        except k8s.ApiException as error:
            if error.status != 404:
                raise
            return False
        return True

    def there(name: str) -> bool:
        found = api.list_custom_resource_definition(field_selector=f"metadata.name={name}", **raw)
        return bool(json.loads(found.data)["items"])

    kinds = (MODEL_SERVERS, RUNTIMES, SERVICES)
    try:
        for kind in kinds:
            body = _definition(*kind)
            api.create_custom_resource_definition(body, **raw)
            names.append(
                body["metadata"]["name"]
            )  # one that was there before is not ours to remove
        for kind in kinds:
            what = f"{kind[2]} are served"
            cluster.wait_until(lambda kind=kind: served(*kind[:3]), what, 30)
        yield
    finally:
        for name in names:
            api.delete_custom_resource_definition(name, **raw)
        for name in names:
            cluster.wait_until(lambda name=name: not there(name), f"{name} is gone", 60)


class Controller:
    """Looks at the resources of one namespace twice a second and makes what they ask for.

    Args:
        cluster: where.
        namespace: which namespace.
        kind: of the resources.
    """

    def __init__(self, cluster: Any, namespace: str, kind: tuple[str, ...]) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._kind = kind
        self._custom = k8s.CustomObjectsApi(cluster.api)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.failures: list[str] = []

    def __enter__(self) -> Controller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        assert self.failures == []

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            listed = self._custom.list_namespaced_custom_object(
                self._kind[0], self._kind[1], self._namespace, self._kind[2]
            )
            for item in listed["items"]:
                try:
                    self.reconcile(item)
                except Exception as error:
                    if getattr(error, "status", None) in (404, 409):
                        continue  # the resource was deleted or changed meanwhile
                    self.failures.append(repr(error))
                    return

    def reconcile(self, item: Object) -> None:
        """Make what one resource asks for, and tell of it in its status."""
        raise NotImplementedError

    def status(self, item: Object, status: Object) -> None:
        """Write a status, if it is another one."""
        if {**(item.get("status") or {}), **status} != (item.get("status") or {}):
            self._custom.patch_namespaced_custom_object_status(
                *self._kind[:2],
                self._namespace,
                self._kind[2],
                item["metadata"]["name"],
                {"status": status},
            )

    def put(self, item: Object, made: Object) -> None:
        """Make an object, or make it what it is to be; it belongs to the resource."""
        metadata = item["metadata"]
        owner = {
            "apiVersion": item["apiVersion"],
            "kind": item["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
        }
        made["metadata"]["ownerReferences"] = [owner]
        deployment = made["kind"] == "Deployment"
        noun = "deployment" if deployment else "service"
        api = self._cluster.apps if deployment else self._cluster.core
        name = made["metadata"]["name"]
        try:
            getattr(api, f"create_namespaced_{noun}")(self._namespace, made)
        except k8s.ApiException as error:
            if error.status != 409:
                raise
            getattr(api, f"replace_namespaced_{noun}")(name, self._namespace, made)


class Operator(Controller):
    """A stand-in for the OpenVINO operator: an operator of Helm charts.

    It acts on a change some time after it, tells of a release that failed until one ends well, and
    keeps no generation in its status.
    """

    delay = 2.0

    def __init__(self, cluster: Any, namespace: str) -> None:
        super().__init__(cluster, namespace, MODEL_SERVERS)
        self._done: dict[str, int] = {}

    def reconcile(self, item: Object) -> None:
        """Install or upgrade the release of a resource whose generation is new."""
        metadata = item["metadata"]
        if self._done.get(metadata["uid"]) == metadata["generation"]:
            return
        first = metadata["uid"] not in self._done
        if self._stop.wait(self.delay):
            return
        # It may have been deleted meanwhile, which ends this look with 404.
        item = self._custom.get_namespaced_custom_object(
            *self._kind[:2], self._namespace, self._kind[2], metadata["name"]
        )
        metadata = item["metadata"]
        conditions = [{"type": "Initialized", "status": "True"}]
        try:
            for made in chart(item):
                _quicken(made)
                self.put(item, made)
            reason = "InstallSuccessful" if first else "UpgradeSuccessful"
            conditions.append({"type": "Deployed", "status": "True", "reason": reason})
        except (ReleaseFailed, k8s.ApiException) as error:
            if getattr(error, "status", None) == 404:
                raise
            text = json.loads(error.body)["message"] if hasattr(error, "body") else str(error)
            reason = "InstallError" if first else "UpgradeError"
            failed = {"type": "ReleaseFailed", "status": "True", "reason": reason}
            conditions.append({**failed, "message": f"failed to upgrade release: {text}"})
        self.status(item, {"conditions": conditions})
        self._done[metadata["uid"]] = metadata["generation"]


def _quicken(made: Object) -> None:
    """Let pods of the chart be ready and gone sooner than the real ones; nothing else differs."""
    if made["kind"] == "Deployment":
        pod = made["spec"]["template"]["spec"]
        pod["terminationGracePeriodSeconds"] = 2
        pod["containers"][0]["readinessProbe"].update(initialDelaySeconds=0, periodSeconds=1)


class KServe(Controller):
    """A stand-in for KServe in the mode Standard.

    Its status says what the Deployment's says, or why it could not make one.
    """

    def __init__(self, cluster: Any, namespace: str, agent_image: str = "") -> None:
        super().__init__(cluster, namespace, SERVICES)
        self._image = agent_image
        self._done: dict[str, Object] = {}

    def reconcile(self, item: Object) -> None:
        """Make Deployment and Service of a service whose generation is new; tell how they are."""
        metadata = item["metadata"]
        try:
            for made in standard(item, self._runtime(item), image=self._image, defaults=SMALL):
                if self._done.get(f"{metadata['uid']}/{made['kind']}") != made:
                    before = copy.deepcopy(made)
                    self.put(item, made)
                    self._done[f"{metadata['uid']}/{made['kind']}"] = before
        except k8s.ApiException as error:
            if error.status == 404:
                raise
            cause = f"fails to reconcile predictor: {json.loads(error.body)['message']}"
            self._tell(item, "False", "ReconcileFailed", cause)
            return
        name = f"{metadata['name']}-predictor"
        found = self._cluster.apps.read_namespaced_deployment(name, self._namespace)
        conditions = {one.type: one for one in found.status.conditions or ()}
        progress, available = conditions.get("Progressing"), conditions.get("Available")
        generation = {"observedGeneration": found.status.observed_generation or 0}
        if available is not None and available.status == "False":
            self._tell(item, "False", available.reason, available.message, **generation)
        elif progress is not None and progress.reason == "NewReplicaSetAvailable":
            self._tell(item, "True", progress.reason, progress.message, **generation)
        else:
            self._tell(item, "Unknown", "", "", **generation)

    def _runtime(self, item: Object) -> Object | None:
        model = item["spec"]["predictor"].get("model")
        if not model:
            return None
        where = (*RUNTIMES[:2], self._namespace, RUNTIMES[2], model["runtime"])
        found: Object = self._custom.get_namespaced_custom_object(*where)
        return found

    def _tell(self, item: Object, status: str, reason: str, message: str, **more: int) -> None:
        condition = {"status": status, "reason": reason, "message": message}
        kinds = ("PredictorReady", "Ready")
        conditions = [{"type": kind, **condition} for kind in kinds]
        conditions.append({"type": "IngressReady", "status": "True"})
        self.status(item, {"conditions": conditions, **more})


@contextmanager
def routes_served(cluster: Any) -> Iterator[None]:
    """Make the kind Route known to a cluster."""
    body = _definition(*ROUTES)
    # That name is kept for the platform's own kinds.
    notes = {"api-approved.kubernetes.io": "unapproved, for a test"}
    body["metadata"]["annotations"] = {**body["metadata"].get("annotations", {}), **notes}
    with alone(cluster, body):
        yield


class Router(Controller):
    """A stand-in for OpenShift's router: looks at a Route when that changes, and never else."""

    def __init__(self, cluster: Any, namespace: str) -> None:
        super().__init__(cluster, namespace, ROUTES)
        self._seen: dict[str, Any] = {}

    def reconcile(self, item: Object) -> None:
        """Admit a Route or not, and say so."""
        metadata = item["metadata"]
        seen = (item["spec"], metadata.get("annotations"))
        if self._seen.get(metadata["uid"]) != seen:
            self.status(item, router.status(item, router.verdict(item, self._readable, [])))
            self._seen[metadata["uid"]] = seen

    def _readable(self, secret: str) -> bool:
        """Ask the API server what the router of a real cluster asks it."""
        where = {"namespace": self._namespace, "resource": "secrets", "name": secret}
        user = "system:serviceaccount:openshift-ingress:router"
        spec = {"user": user, "resourceAttributes": {**where, "verb": "watch"}}
        api = k8s.AuthorizationV1Api(self._cluster.api)
        return bool(api.create_subject_access_review({"spec": spec}).status.allowed)


# A lab has no room for what KServe would ask for.
SMALL = {"requests": {"cpu": "10m"}}


def operator(cluster: Any, namespace: str) -> Controller:
    """Return a stand-in for the OpenVINO operator."""
    return Operator(cluster, namespace)


def kserve(cluster: Any, namespace: str) -> Controller:
    """Return a stand-in for KServe."""
    return KServe(cluster, namespace)
