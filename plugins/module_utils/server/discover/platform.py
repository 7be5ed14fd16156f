# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolves the settings that the cluster decides: platform, proxies and no_proxy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple

from ...errors import ApiError, ForbiddenError, InputError
from ...kube.client import KubeClient
from ..render import companions, scc
from ..spec.egress import ProxySpec, proxy_url
from ..spec.security import AUTO, KUBERNETES, OPENSHIFT, SecuritySpec
from ..spec.server import ServerSpec
from . import live, no_proxy

CONFIG_API = "config.openshift.io/v1"
SUBJECT = "Proxy cluster"


def resolved(client: KubeClient, spec: ServerSpec) -> Tuple[ServerSpec, Dict[str, Any]]:
    """Return the spec with these settings resolved, and the proxies for the result.

    Costs one request for the platform, which C(platform) spares, and none for proxies without any.

    Raises:
        InputError: an option needs OpenShift.
        ForbiddenError: the account may not read OpenShift's C(Proxy) object.
    """
    security = _on_platform(client, spec)
    if spec.outgoing.ca is not None and spec.outgoing.ca.from_cluster and not security.openshift:
        raise InputError(
            "only OpenShift writes its trusted authorities into a ConfigMap",
            option="ca_bundle.from_cluster",
            subject=client.server,
            hint="Set ca_bundle.pem or ca_bundle.config_map",
        )
    if security.scc is not None and not security.openshift:
        raise InputError(
            "the cluster is not OpenShift",
            option="scc",
            subject=client.server,
            hint="Leave it out; on Kubernetes the namespace's Pod Security level decides",
        )
    proxies, report = _proxies(client, spec.outgoing.proxies)
    outgoing = replace(spec.outgoing, proxies=proxies)
    env = {**spec.env, **proxies.variables()}
    return replace(spec, security=security, outgoing=outgoing, env=env), report


def _on_platform(client: KubeClient, spec: ServerSpec) -> SecuritySpec:
    """Return the security options as the platform takes them.

    OpenShift's constraints assign a user range to each namespace and refuse other ids, so ids that
    the task does not set are left out. Only the default constraint is certain to assign one; with
    another one, without an id, the image's user could be root.
    """
    security = spec.security
    if security.platform == AUTO:
        found = OPENSHIFT if client.serves(scc.API_VERSION) else KUBERNETES
        security = replace(security, platform=found)
    asked = security.scc
    other = asked is not None and bool(asked.name or asked.create)
    if not security.openshift or other or companions.host_path(spec):
        return security
    chosen = security.chosen
    return replace(
        security,
        run_as_user=security.run_as_user if "run_as_user" in chosen else None,
        run_as_group=security.run_as_group if "run_as_group" in chosen else None,
        fs_group=security.fs_group if "fs_group" in chosen else None,
    )


def _proxies(client: KubeClient, given: ProxySpec) -> Tuple[ProxySpec, Dict[str, Any]]:
    proxies, source = given, "options"
    if given.from_cluster:
        proxies, from_cluster = _from_cluster(client, given)
        source = "cluster" if from_cluster else source
    if not proxies.any:
        return proxies, {}
    report: Dict[str, Any] = {"source": source, "added": [], "unknown": []}
    if proxies.complete:
        done = no_proxy.complete(proxies.bypass, _network(client))
        proxies = replace(proxies, bypass=done.bypass)
        report.update(added=list(done.added), unknown=list(done.unknown))
    report["no_proxy"] = ",".join(proxies.bypass)
    return proxies, {"proxies": report}


def _from_cluster(client: KubeClient, given: ProxySpec) -> Tuple[ProxySpec, bool]:
    """Return the proxies of OpenShift's object, whose status has its networks merged in."""
    try:
        found = client.get(CONFIG_API, "Proxy", "cluster") if client.serves(CONFIG_API) else None
    except ForbiddenError as error:
        raise ForbiddenError(
            "the account may not read the proxies of the cluster",
            subject=SUBJECT,
            hint="Grant get on proxies.config.openshift.io, or give proxies.https_proxy",
        ) from error
    if found is None:
        if given.any:
            return given, False
        raise InputError(
            "the cluster has no such object; only OpenShift has one",
            option="proxies.from_cluster",
            subject=SUBJECT,
            hint="Give proxies.http_proxy and proxies.https_proxy",
        )
    status = found.get("status") or {}
    option = "proxies.from_cluster"
    http = given.http or proxy_url(status.get("httpProxy"), option)
    https = given.https or proxy_url(status.get("httpsProxy"), option)
    bypass = (*given.bypass, *no_proxy.split(str(status.get("noProxy") or "")))
    return replace(given, http=http, https=https, bypass=tuple(dict.fromkeys(bypass))), True


def _network(client: KubeClient) -> no_proxy.ClusterNetwork:
    nodes = live.list_if_allowed(client, "v1", "Node")
    return no_proxy.ClusterNetwork(
        services=_service_ranges(client),
        pods=None if nodes is None else no_proxy.node_ranges(nodes),
        api_server=client.endpoint.host,
    )


def _service_ranges(client: KubeClient) -> Optional[Tuple[str, ...]]:
    """Return the ranges (Kubernetes 1.33 and later tell), else the API server's own address."""
    try:
        items: List[Any] = client.list("networking.k8s.io/v1", "ServiceCIDR")[0]
        found = [cidr for item in items for cidr in (item.get("spec") or {}).get("cidrs") or ()]
        if found:
            return tuple(map(str, found))
    except ForbiddenError:
        pass
    except ApiError as error:
        if error.status != 404:
            raise
    try:
        service = client.get("v1", "Service", "kubernetes", "default") or {}
    except ForbiddenError:
        return None
    addresses = (service.get("spec") or {}).get("clusterIPs") or ()
    return tuple(map(str, addresses)) or None
