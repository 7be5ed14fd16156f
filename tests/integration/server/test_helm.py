# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Helm 4 before, during and after an adoption of its release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.chart.migrate import migrate
from helmkit import NAME, VALUES, Helm
from serving import Server

pytestmark = pytest.mark.whole


@pytest.fixture
def helm(
    shop: Any,
    make_namespace: Any,
    make_pvc: Any,
    fill: Any,
    server_image: str,
    tmp_path: Path,
) -> Helm:
    """A release whose pod is ready; what it has the collection can take over as well."""
    namespace = make_namespace(shop, "baseline")
    fill(shop, namespace, make_pvc(shop, namespace))
    made = Helm(shop.kubeconfig, namespace, tmp_path)
    made.write_chart(server_image)
    made.do("install", "chart", "--set", "extra=some", "--wait", "--timeout", "240s")
    return made


@pytest.fixture
def server(shop: Any, helm: Helm, make_server: Callable[..., Server]) -> Server:
    """The options that are to take it over."""
    options = migrate(VALUES, NAME)["options"]
    return make_server(shop, helm.namespace, adopt=True, strategy="RollingUpdate", **options)


def container(server: Server) -> Any:
    """Return the container of the Deployment."""
    deployment = server.cluster.apps.read_namespaced_deployment(NAME, server.namespace)
    (found,) = deployment.spec.template.spec.containers
    return found


def level(server: Server) -> str:
    """Return the log level that Helm has set."""
    args = list(container(server).args)
    assert args[0] == "--model_path", args
    return str(args[args.index("--log_level") + 1])


def owners(server: Server) -> dict[str, set[str]]:
    """Return who owns fields of each object of the release, but for controllers."""
    core, apps = server.cluster.core, server.cluster.apps
    items = {
        "Deployment": apps.read_namespaced_deployment(NAME, server.namespace),
        "Service": core.read_namespaced_service(NAME, server.namespace),
        "ConfigMap": core.read_namespaced_config_map(f"{NAME}-config", server.namespace),
        "ServiceAccount": core.read_namespaced_service_account(NAME, server.namespace),
    }
    return {
        kind: {
            entry.manager
            for entry in item.metadata.managed_fields
            if not entry.subresource and entry.manager != "kube-controller-manager"
        }
        for kind, item in items.items()
    }


def test_helm_works_again_after_giving_back(helm: Helm, server: Server) -> None:
    alone = owners(server)
    assert alone == dict.fromkeys(alone, {"helm"})
    server.run()
    server.until({"adder:1": "AVAILABLE"})

    refused = helm.apply("level=DEBUG")
    assert refused.returncode and "conflict" in refused.stderr and "openvino.edge" in refused.stderr
    assert helm.status() == "failed"
    assert not server.run()["changed"], "a refused upgrade changes nothing of ours"

    server.run(state="returned")
    assert owners(server) == alone
    assert level(server) == "INFO"
    upgraded = helm.apply("level=DEBUG")
    assert upgraded.returncode == 0, upgraded.stderr
    assert (helm.status(), level(server)) == ("deployed", "DEBUG")
    assert not container(server).env, "what Helm no longer sends is gone"
    helm.do("rollback", "1", "--wait", "--timeout", "240s")
    assert (helm.status(), level(server)) == ("deployed", "INFO")
    assert [one.value for one in container(server).env] == ["some"]
    assert owners(server) == alone

    helm.do("uninstall", "--wait")
    left = server.cluster.apps.list_namespaced_deployment(server.namespace).items
    left += server.cluster.core.list_namespaced_service(server.namespace).items
    assert not left


@pytest.mark.parametrize("written_anew", [True, False])
def test_helm_by_force_and_back(helm: Helm, server: Server, written_anew: bool) -> None:
    """An adopted server that Helm has overwritten is given back all the same."""
    alone = owners(server)
    server.run()
    forced = helm("upgrade", "chart", "--set", "level=ERROR", "--force-conflicts")
    assert forced.returncode == 0, forced.stderr
    assert level(server) == "ERROR"
    if written_anew:
        assert server.run()["changed"], "the next run writes it once more"
        server.until({"adder:1": "AVAILABLE"})
    server.run(state="returned")
    assert level(server) == "INFO", "as on the day of the adoption"
    upgraded = helm.apply("level=WARNING")
    assert upgraded.returncode == 0, upgraded.stderr
    assert (helm.status(), level(server)) == ("deployed", "WARNING")
    assert owners(server) == alone


@pytest.mark.parametrize("uninstalled", [True, False])
def test_a_server_that_helm_has_overwritten_is_not_taken_for_gone(
    helm: Helm, server: Server, uninstalled: bool
) -> None:
    """Its removal is refused before anything is removed, and both ways out of that work."""
    server.run()
    before = server.made()
    forced = helm("upgrade", "chart", "--set", "level=ERROR", "--force-conflicts")
    assert forced.returncode == 0, forced.stderr
    for check in (True, False):
        with pytest.raises(InputError, match=r"state: returned.*helm uninstall.*adopt: true"):
            server.run(state="absent", check=check)
    assert level(server) == "ERROR", "it serves what Helm has made of it"
    if uninstalled:
        helm.do("uninstall", "--wait")
        server.run(state="absent")
    else:
        assert server.run()["changed"]
        assert server.made() == before
        assert server.run(state="absent")["changed"]
    assert server.made() == []
    assert not server.cluster.apps.list_namespaced_deployment(server.namespace).items
    assert not server.run(state="absent")["changed"]


def test_helm_makes_anew_what_was_removed(helm: Helm, server: Server) -> None:
    """The way back where nothing is left to give back: the release has lost its objects."""
    server.run()
    server.run(state="absent")
    assert server.made() == []
    back = helm.apply("level=DEBUG")
    assert back.returncode == 0, back.stderr
    assert (helm.status(), level(server)) == ("deployed", "DEBUG")
    helm.do("rollback", "1", "--wait", "--timeout", "240s")
    assert level(server) == "INFO"
