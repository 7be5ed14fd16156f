# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays of docs/air-gap.md, run on a node of the lab as they are written."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client as k8s
from serving import COLLECTIONS, Server
from stores import LAB, host_address, write_models_image
from unit.kube.conftest import Authority
from web.registry import put_image
from web.webkit import FileServer, running

PAGE = COLLECTIONS.parent / "docs" / "air-gap.md"
NODE = "shop-1"
LOGIN = {"username": "edge", "password": "edge-hidden-registry-word"}
CONFIG_API = "config.openshift.io"
MIRROR_SETS = {"ImageDigestMirrorSet": "imageDigestMirrors", "ImageTagMirrorSet": "imageTagMirrors"}
SERVED = {"adder:1": "AVAILABLE"}
# The daemon resolves and fetches; the kubelet's way to the same code takes config_path.
PULL = "ctr images pull --hosts-dir /etc/containerd/certs.d"


def example(heading: str, number: int = 0) -> Any:
    """Return an example of the page."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.S)[number])


def play(work: Path, document: list[Any], variables: dict[str, Any], *enter: str) -> dict[str, Any]:
    """Run a play for this host, here or on a node, and return what changed and what was said."""
    file = work / "play.yml"
    file.write_text(json.dumps([{**document[0], "hosts": "localhost"}]), encoding="utf-8")
    # The tests are root already; a node of the lab has no services of its own.
    settings = {"ansible_become": False, "ansible_python_interpreter": sys.executable}
    extra = work / "vars.json"
    extra.write_text(json.dumps({**settings, **variables}), encoding="utf-8")
    command = [*enter, "env", f"ANSIBLE_COLLECTIONS_PATH={COLLECTIONS}", "ANSIBLE_NOCOLOR=1"]
    command += [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local"]
    command += ["-vvv", "--diff", "-e", f"@{extra}", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    (changed,) = re.findall(r"^localhost .* changed=(\d+)", done.stdout, re.M)
    return {"changed": int(changed), "said": said}


@dataclass
class Node:
    """A node of the lab, entered as a login of it."""

    work: Path
    enter: tuple[str, ...] = (str(LAB), "exec", NODE, "--")

    def sh(self, line: str) -> str:
        """Run a shell line there."""
        command = [*self.enter, "sh", "-c", line]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def play(self, document: list[Any], **variables: Any) -> dict[str, Any]:
        """Run a play there."""
        return play(self.work, document, variables, *self.enter)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node; what plays write below these directories of /etc ends with the test."""
    if os.environ.get("EDGE_KUBECONFIG"):
        pytest.skip("only nodes of the lab can be entered")
    found = Node(tmp_path)
    folders = ("/etc/containerd", "/etc/rancher")
    new = [folder for folder in folders if not Path(folder).exists()]
    for folder in folders:
        found.sh(f"mkdir -p {folder} && mount -t tmpfs -o mode=755 tmpfs {folder}")
    yield found
    for folder in folders:
        found.sh(f"umount {folder}")
    for folder in new:
        Path(folder).rmdir()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[tuple[FileServer, Authority]]:
    """A registry behind TLS that asks for a login, and the authority that signed for it."""
    folder = tmp_path / "tls"
    folder.mkdir()
    authority = Authority(folder, "registry", host_address("shop")).make()
    with running(FileServer(authority.address, authority.server())) as server:
        token = base64.b64encode(":".join(LOGIN.values()).encode()).decode()
        server.manners.login = f"Basic {token}"
        yield server, authority


def mirrors(registry: tuple[FileServer, Authority], **changes: Any) -> list[dict[str, Any]]:
    """Return the list of the page for the registry of the tests."""
    server, authority = registry
    (rule,) = example("Images from a mirror")["edge_mirrors"]
    assert set(rule) == {"source", "mirrors", "ca", "username", "password", "ask_source"}
    place = f"{server.url}/hub"
    rule |= {**LOGIN, "ca": Path(authority.ca).read_text(), "mirrors": [place], **changes}
    return [{key: value for key, value in rule.items() if value is not None}]


def test_containerd_pulls_through_the_mirror(
    node: Node,
    registry: tuple[FileServer, Authority],
    adders: dict[int, Any],
    shop: Any,
    make_namespace: Callable[..., str],
    make_server: Callable[..., Server],
    tmp_path: Path,
) -> None:
    """A name that no DNS knows is served by the mirror alone, by tag and by digest."""
    server = registry[0]
    source = f"registry-{uuid.uuid4().hex[:8]}.invalid"
    archive = write_models_image(tmp_path, f"{source}/edge/models:1", {"adder": adders})
    digest = put_image(server, archive, "hub/edge/models", "1")
    document, rules = example("Images from a mirror", 1), mirrors(registry, source=source)
    told = node.play(document, edge_mirrors=rules)
    assert told["changed"] == 2 and LOGIN["password"] not in told["said"]
    assert node.play(document, edge_mirrors=rules)["changed"] == 0
    assert node.sh(f"stat -c %a /etc/containerd/certs.d/{source}/hosts.toml").strip() == "600"

    pods = make_server(shop, make_namespace(shop, "restricted"), pvc=None)
    try:
        for mark in (":1", f"@{digest}"):
            server.asked.clear()
            reference = f"{source}/edge/models{mark}"
            node.sh(f"{PULL} {reference}")
            wanted = f"/v2/hub/edge/models/manifests/{mark[1:]}?ns={source}"
            assert wanted in server.paths("HEAD")
            pods.run(image_volume={"reference": reference, "pull_policy": "Never"})
            pods.until(SERVED)
    finally:
        node.sh(f"ctr images list -q | grep {source} | xargs -r ctr images remove")
    # The source is not asked for what the mirror does not have.
    told_by = node.sh(f"{PULL} {source}/edge/absent:1 2>&1 || true")
    assert "not found" in told_by and "lookup" not in told_by, told_by


@pytest.mark.whole
def test_k3s_reads_one_file(node: Node, registry: tuple[FileServer, Authority]) -> None:
    document = example("Images from a mirror", 2)
    (restart,) = document[0].pop("handlers")
    notified = document[0]["tasks"][-1].pop("notify")
    assert restart["name"] == notified
    rules = mirrors(registry, ask_source=None)
    told = node.play(document, edge_mirrors=rules)
    assert told["changed"] == 2 and LOGIN["password"] not in told["said"]
    assert node.play(document, edge_mirrors=rules)["changed"] == 0
    found = yaml.safe_load(node.sh("cat /etc/rancher/k3s/registries.yaml"))
    host = registry[0].url.removeprefix("https://")
    assert found["mirrors"] == {
        "docker.io": {"endpoint": [f"https://{host}"], "rewrite": {"^(.*)$": "hub/$1"}}
    }
    assert found["configs"][host]["auth"] == LOGIN
    ca_file = found["configs"][host]["tls"]["ca_file"]
    assert node.sh(f"cat {ca_file}").strip() == rules[0]["ca"].strip()
    assert node.sh("stat -c %a /etc/rancher/k3s/registries.yaml").strip() == "600"


@pytest.fixture
def mirror_sets(factory: Any) -> Iterator[Any]:
    """Both kinds of OpenShift, with its rules for names; an unknown field is not kept."""
    definitions = k8s.ApiextensionsV1Api(factory.api)
    for kind, field in MIRROR_SETS.items():
        definitions.create_custom_resource_definition(_definition(kind, field))

    def served() -> bool:
        names = [f"{kind.lower()}s.{CONFIG_API}" for kind in MIRROR_SETS]
        found = [definitions.read_custom_resource_definition(name) for name in names]
        states = [{item.type: item.status for item in one.status.conditions or []} for one in found]
        return all(state.get("Established") == "True" for state in states)

    try:
        factory.wait_until(served, "the definitions are served")
        yield k8s.CustomObjectsApi(factory.api)
    finally:
        for kind in MIRROR_SETS:
            definitions.delete_custom_resource_definition(f"{kind.lower()}s.{CONFIG_API}")


def _definition(kind: str, field: str) -> dict[str, Any]:
    host = r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*"
    place = {"type": "string", "pattern": rf"^{host}(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$"}
    policy = {"type": "string", "enum": ["NeverContactSource", "AllowContactingSource"]}
    places = {"type": "array", "x-kubernetes-list-type": "set", "items": place}
    fields = {"source": place, "mirrors": places, "mirrorSourcePolicy": policy}
    entry = {"type": "object", "required": ["source"], "properties": fields}
    entries = {"type": "array", "x-kubernetes-list-type": "atomic", "items": entry}
    spec = {"type": "object", "properties": {field: entries}}
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    plural = f"{kind.lower()}s"
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    approved = {"api-approved.kubernetes.io": "https://github.com/openshift/api"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{CONFIG_API}", "annotations": approved},
        "spec": {"group": CONFIG_API, "names": names, "scope": "Cluster", "versions": [version]},
    }


@pytest.mark.whole
def test_openshift_takes_the_sets(
    mirror_sets: Any, registry: tuple[FileServer, Authority], factory: Any, tmp_path: Path
) -> None:
    document = example("Images from a mirror", 3)
    document[0]["tasks"][0]["openvino.edge.objects"].update(factory.auth)
    rules = mirrors(registry, ca=None, username=None, password=None)
    assert play(tmp_path, document, {"edge_mirrors": rules})["changed"] == 1
    assert play(tmp_path, document, {"edge_mirrors": rules})["changed"] == 0
    host = registry[0].url.removeprefix("https://")
    for kind, field in MIRROR_SETS.items():
        api = (CONFIG_API, "v1", f"{kind.lower()}s")
        (found,) = mirror_sets.list_cluster_custom_object(*api)["items"]
        policy = {"mirrorSourcePolicy": "NeverContactSource"}
        assert found["spec"] == {
            field: [{"source": "docker.io", "mirrors": [f"{host}/hub"], **policy}]
        }


def test_images_by_hand(node: Node, adders: dict[int, Any], tmp_path: Path) -> None:
    reference = f"localhost/edge-hand-{uuid.uuid4().hex[:8]}:1"
    written = write_models_image(tmp_path, reference, {"adder": adders})
    archive = written.rename(tmp_path / f"{uuid.uuid4().hex}.tar")
    document = example("Images by hand")
    try:
        assert node.play(document, edge_archive=str(archive))["changed"] == 2
        assert reference in node.sh("ctr images list -q")
        assert node.play(document, edge_archive=str(archive))["changed"] == 0
    finally:
        node.sh(f"rm -f /var/tmp/{archive.name}; ctr images remove {reference}")


def test_the_server_and_the_models(
    shop: Any,
    make_namespace: Callable[..., str],
    make_pvc: Callable[..., Any],
    make_server: Callable[..., Server],
    adders: dict[int, Any],
    tmp_path: Path,
) -> None:
    """The models are copied with the server's image alone; the server names the digest."""
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace)
    server = make_server(shop, namespace)
    for version, files in adders.items():
        place = tmp_path / "models" / "adder" / str(version)
        place.mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
    (copy,) = example("The models")
    given = copy["openvino.edge.model_repository"]
    given |= {**shop.auth, "namespace": namespace, "src": str(tmp_path / "models")}
    given["exec_image"] = server.options["image"]
    document = [{"gather_facts": False, "tasks": [copy]}]
    assert play(tmp_path, document, {})["changed"] == 1
    server.run()
    server.until(SERVED)

    (serve,) = example("The server")
    given = {**serve["openvino.edge.model_server"], "namespace": namespace, "wait": False}
    given["models"][0]["name"] = "adder"
    given["image"] = given["image"].replace("{{ edge_digest }}", f"sha256:{'5a' * 32}")
    server.run(**given)
    template = shop.apps.read_namespaced_deployment("ocr", namespace).spec.template.spec
    assert template.containers[0].image == given["image"]
    assert [item.name for item in template.image_pull_secrets] == ["registry-login"]
    (volume,) = example("The models", 1)
    given = {**volume["openvino.edge.model_server"], "namespace": namespace, "wait": False}
    server.run(pvc=None, **given)
