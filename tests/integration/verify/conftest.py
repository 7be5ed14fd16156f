# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server with a tiny model on a volume of its own, and hands to change that volume."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import entry as server_entry
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as verify_entry

# OpenVINO IR, version 11: x -> ReLU -> y, without weights.
SHAPE = "<dim>1</dim><dim>4</dim>"
TINY = f"""<?xml version="1.0"?>
<net name="tiny" version="11">
<layers>
<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,4" element_type="f32"/>
<output><port id="0" precision="FP32" names="x">{SHAPE}</port></output></layer>
<layer id="1" name="y" type="ReLU" version="opset1">
<input><port id="0" precision="FP32">{SHAPE}</port></input>
<output><port id="1" precision="FP32" names="y">{SHAPE}</port></output></layer>
<layer id="2" name="y/sink" type="Result" version="opset1">
<input><port id="0" precision="FP32">{SHAPE}</port></input></layer>
</layers>
<edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>
<edge from-layer="1" from-port="1" to-layer="2" to-port="0"/></edges>
</net>
"""
BROKEN = "<net this is no model"


@dataclass
class Site:
    """One namespace with a volume, a visitor that can write to it, and perhaps a server."""

    cluster: Any
    namespace: str
    visitor: Any
    image: str

    def publish(
        self,
        model: str,
        version: int,
        text: str = TINY,
        mode: str = "755",
        weights: bytes = b"",
    ) -> None:
        """Put a version in place as a whole."""
        home, stage = f"/store/models/{model}", f"/store/stage-{model}-{version}"
        quoted = text.replace("'", "'\\''")
        octal = "".join(f"\\0{byte:03o}" for byte in weights)
        self.visitor.sh(
            f"mkdir -p {home} {stage} && printf '%s' '{quoted}' > {stage}/model.xml"
            f" && printf '%b' '{octal}' > {stage}/model.bin"
            f" && chmod {mode} {stage} && mv -T {stage} {home}/{version}"
        )

    def serve(
        self,
        wait: bool = True,
        replicas: int | None = None,
        metrics: bool = False,
        **models: list[int],
    ) -> None:
        """Deploy the server, or change what it serves."""
        items = [{"name": name, "versions": versions} for name, versions in models.items()]
        given = {
            **self.cluster.auth,
            "namespace": self.namespace,
            "name": "ovms",
            "pvc": {"claim_name": "models"},
            "models": items,
            "image": self.image,
            "replicas": replicas,
            "wait": wait,
            "monitoring": {"enable": True} if metrics else None,
        }
        server_entry.run(fill(server_entry.ARGUMENT_SPEC, given), Runtime())

    def params(self, **given: Any) -> dict[str, Any]:
        """Return the parameters of model_status."""
        base = {**self.cluster.auth, "namespace": self.namespace, "name": "ovms"}
        if "label_selector" in given:
            del base["name"]
        return fill(verify_entry.ARGUMENT_SPEC, {**base, **given})

    def gate(self, **given: Any) -> dict[str, Any]:
        """Run model_status."""
        return verify_entry.run(self.params(**given), Runtime())

    def pods(self) -> list[Any]:
        """Return the server's pods, as the kubernetes package sees them."""
        selector = "openvino.edge/server=ovms"
        found = self.cluster.core.list_namespaced_pod(self.namespace, label_selector=selector)
        return list(found.items)


@pytest.fixture
def site(
    shop: Any, make_namespace: Callable[..., str], make_pvc: Callable[..., Any], server_image: str
) -> Iterator[Site]:
    namespace = make_namespace(shop)
    volume = make_pvc(shop, namespace)
    with shop.visitor(namespace, volume, read_only=False) as visitor:
        made = Site(shop, namespace, visitor, server_image)
        made.publish("tiny", 1)
        yield made
