# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig of a cluster whose credentials a hub keeps, made when a task needs it."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping

from ..errors import InputError, UnsupportedError
from ..kube.auth.config_schema import check_config
from ..kube.auth.config_yaml import YAML_ERROR, load_yaml
from ..kube.client import KubeClient
from . import cluster_api, hubs, managed

# Fields of a kubeconfig that make this machine run a program, or read one of its files.
_HERE = {
    "cluster": ("certificate-authority",),
    "user": ("exec", "auth-provider", "tokenFile", "client-certificate", "client-key"),
}


def fetch(facts: Any) -> Dict[str, Any]:
    """Return the kubeconfig of a host, as a dictionary.

    Args:
        facts: its variable C(edge_cluster).

    Raises:
        InputError: the variable is of another source, or the hub's Secret is not usable.
        AuthError, ForbiddenError, UnreachableError, ApiError: the hub does not give it.
    """
    if not isinstance(facts, Mapping) or not isinstance(facts.get("login"), Mapping):
        raise InputError(
            "needs the variable edge_cluster of a host that a hub has logins for",
            hint="Use the inventory openvino.edge.clusters with cluster_api, or with"
            " open_cluster_management and its service_account",
        )
    params = hubs.hub_params(facts.get("hub") or {}, os.environ)
    with KubeClient.from_params(params) as client:
        return kubeconfig_of(client, facts)


def kubeconfig_of(client: KubeClient, facts: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what C(fetch) does, from a hub that is connected."""
    namespace, name = str(facts["login"]["namespace"]), str(facts["login"]["secret"])
    if facts.get("source") == "open_cluster_management":
        token = hubs.secret(client, namespace, name, "token").decode("utf-8", "replace").strip()
        return managed.kubeconfig(str(facts["server"]), facts.get("ca"), token)
    content = hubs.secret(client, namespace, name, cluster_api.SECRET_KEY)
    return checked(content, f"Secret {namespace}/{name} of the hub {client.server}")


def checked(content: bytes, subject: str) -> Dict[str, Any]:
    """Return the kubeconfig in a Secret.

    Whoever may write Secrets on a hub must not thereby run programs on this machine, nor send its
    files to a server of his choice: a kubeconfig from a hub has all it needs in itself.

    Raises:
        InputError: it is no kubeconfig, or it names programs or files.
        UnsupportedError: PyYAML is not installed.
    """
    if YAML_ERROR:
        raise UnsupportedError(f"the Python package PyYAML cannot be imported ({YAML_ERROR})")
    try:
        config = load_yaml(content)
    except ValueError as error:
        raise InputError(f"is not YAML{error}", subject=subject) from None
    check_config(subject, config)
    for kind, fields in _HERE.items():
        for item in config.get(f"{kind}s") or ():
            body = (item or {}).get(kind) or {}
            named = [field for field in fields if body.get(field)]
            if named:
                raise InputError(
                    f"its {kind} {item.get('name')!r} has {named[0]}, and a kubeconfig from a hub"
                    " may not run programs or read files of this machine",
                    subject=subject,
                    hint="Give this cluster a kubeconfig with a token or embedded certificates, or"
                    " a file of its own in compose.edge_kubeconfig",
                )
    return dict(config)
