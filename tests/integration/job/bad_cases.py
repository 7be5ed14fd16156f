# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input for the whole job: what is wrong, who has to refuse it, and what the error has to say.

Each case becomes one inventory host, so one run of the site playbook tries them all.
"""

from __future__ import annotations

import base64
import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jobkit import HOST_ROOT, publish_locally, tiny_ir

Vars = dict[str, Any]
REPOSITORY, SERVER = "openvino.edge.model_repository", "openvino.edge.model_server"
BEGIN = "openvino.edge.rollout_cluster"
PREFLIGHT = "openvino.edge.preflight_info"
NO_IMAGE = "localhost/no-such-image:1"


@dataclass(frozen=True)
class Place:
    """Where the cases play.

    Attributes:
        work: a directory for local files.
        shop: cluster with one node; ``namespace`` there is under the restricted level.
        factory: another cluster; ``open_namespace`` there admits host paths.
        token: a real token of the shop cluster that was taken back.
    """

    work: Path
    shop: Any
    factory: Any
    namespace: str
    open_namespace: str
    token: str = field(repr=False)

    def repository(self, name: str, **versions: Mapping[str, bytes]) -> Vars:
        """Write a repository {MODEL__VERSION: files}; return the variables that choose it all."""
        root = self.work / name
        for place, files in versions.items():
            model, _mark, version = place.partition("__")
            publish_locally(root, model, version, files)
        return whole(root)


def whole(root: Path) -> Vars:
    """Return the variables that send everything below a directory."""
    return {"edge_src": str(root), "model_repository_models": []}


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes:
        action: the module that refuses.
        says: regular expressions for the object, the fault and the way out.
        make: prepares local files and returns the host's variables.
        option: the option that the error names in its own field; none where several can be wrong.
    """

    action: str
    says: tuple[str, ...]
    make: Callable[[Place], Vars]
    option: str | None = None


def version_name(name: str) -> Case:
    """Return the case of a version directory that a server would misread."""

    def make(place: Place) -> Vars:
        made = place.repository(f"version-{name}", tiny__1=tiny_ir())
        publish_locally(Path(made["edge_src"]), "tiny", name, tiny_ir())
        return made

    says = (rf"version name: tiny/{name}\b", "positive number without leading zeros")
    return Case(REPOSITORY, says, make, "src")


def _missing(place: Place) -> Vars:
    return whole(place.work / "nothing-here")


def _empty(place: Place) -> Vars:
    (place.work / "empty").mkdir()
    return whole(place.work / "empty")


def _lonely_xml(place: Place) -> Vars:
    return place.repository("lonely", tiny__1={"model.xml": tiny_ir()["model.xml"]})


def _two_models(place: Place) -> Vars:
    return place.repository("two", tiny__1={**tiny_ir(), "other.onnx": b"onnx"})


def _other_bytes(place: Place) -> Vars:
    return place.repository("other", tiny__1=tiny_ir("Abs"))


def _clash(place: Place) -> Vars:
    return place.repository("clash", tiny__1=tiny_ir(), Tiny__1=tiny_ir())


def _unreadable(place: Place) -> Vars:
    made = place.repository("unreadable", tiny__1=tiny_ir())
    (Path(made["edge_src"]) / "tiny" / "1" / "model.bin").chmod(0)
    return made


def _symlink(place: Place) -> Vars:
    made = place.repository("linked", tiny__1=tiny_ir())
    secret = place.work / "outside.bin"
    secret.write_bytes(b"not for the edge")
    model = Path(made["edge_src"]) / "tiny" / "1" / "model.bin"
    model.unlink()
    model.symlink_to(secret)
    return made


def _unknown_option(_place: Place) -> Vars:
    return {"edge_repository_options": {"transprot": "exec"}}


def fresh(place: Place, name: str, **entry: Any) -> Vars:
    """Return the variables for a model that is not on the store yet."""
    made = place.repository(f"fresh-{name}", **{f"{name}__1": tiny_ir()})
    return {**made, "edge_models": [{"name": name, "versions": [1], **entry}]}


def _unknown_server_option(place: Place) -> Vars:
    return {**fresh(place, "option"), "edge_server_options": {"replica_count": 2}}


def _closed_port(place: Place) -> Vars:
    return bent(place, "closed-port", lambda c: cluster_of(c).update(server="https://127.0.0.1:1"))


def _wrong_ca(place: Place) -> Vars:
    other = cluster_of(yaml.safe_load(place.factory.kubeconfig.read_text()))

    def bend(config: Vars) -> None:
        own = cluster_of(config)
        own.pop("certificate-authority", None)
        own.pop("certificate-authority-data", None)
        own.update({key: other[key] for key in other if key.startswith("certificate-authority")})

    return bent(place, "wrong-ca", bend)


def _expired_token(place: Place) -> Vars:
    return _with_token(place, "expired", expired(place.token))


def _revoked_token(place: Place) -> Vars:
    return _with_token(place, "revoked", place.token)


def expired(token: str) -> str:
    """Return a token whose own words say that it ended an hour ago."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["exp"] = int(time.time()) - 3600
    text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{head}.{text}.{signature}"


def _with_token(place: Place, name: str, token: str) -> Vars:
    def bend(config: Vars) -> None:
        config["users"][0]["user"] = {"token": token}

    return bent(place, name, bend)


def bent(place: Place, name: str, bend: Callable[[Vars], Any]) -> Vars:
    """Write a changed copy of the shop's kubeconfig; return the variables that use it."""
    config = copy.deepcopy(yaml.safe_load(place.shop.kubeconfig.read_text()))
    bend(config)
    path = place.work / f"{name}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return {"edge_kubeconfig": str(path)}


def cluster_of(config: Vars) -> Vars:
    """Return the only cluster of a kubeconfig."""
    cluster: Vars = config["clusters"][0]["cluster"]
    return cluster


def _claim(name: str) -> Callable[[Place], Vars]:
    return lambda _place: {"edge_store": {"pvc": {"claim_name": name}}}


def _host_path(_place: Place) -> Vars:
    return {"edge_store": {"host_path": {"path": HOST_ROOT}}}


def _no_node(place: Place) -> Vars:
    return {
        "edge_kubeconfig": str(place.factory.kubeconfig),
        "edge_namespace": place.open_namespace,
        "edge_store": {"host_path": {"path": HOST_ROOT, "nodes": ["factory-9"]}},
    }


def _big(place: Place) -> Vars:
    files = {"model.xml": tiny_ir()["model.xml"], "model.bin": b"\0" * (8 << 20)}
    made = place.repository("big", big__1=files)
    return {**made, "edge_store": {"pvc": {"claim_name": "small"}}}


def _no_image(_place: Place) -> Vars:
    return {"edge_agent_image": NO_IMAGE, "edge_image": NO_IMAGE}


def _refused_config(place: Place) -> Vars:
    return fresh(place, "refused", plugin_config={"CPU_BIND_THREAD": "YES"})


def _no_namespace(_place: Place) -> Vars:
    return {"edge_namespace": "edge-test-not-there"}


CASES: dict[str, Case] = {
    "missing-repository": Case(
        REPOSITORY,
        (r"nothing-here: the model repository does not exist", "Set src to the directory"),
        _missing,
        "src",
    ),
    "empty-repository": Case(
        REPOSITORY, (r"/empty: the model repository is empty", "<model>/<version>"), _empty, "src"
    ),
    "version-0": version_name("0"),
    "version-v1": version_name("v1"),
    "version-2.tmp": version_name("2.tmp"),
    "version-002": version_name("002"),
    "xml-without-bin": Case(
        REPOSITORY,
        ("tiny/1 has model.xml without model.bin", "beside the .xml"),
        _lonely_xml,
        "src",
    ),
    "two-models": Case(
        REPOSITORY,
        ("tiny/1 holds model.xml and other.onnx", "directory of its own"),
        _two_models,
        "src",
    ),
    "other-bytes": Case(
        REPOSITORY,
        ("tiny/1", "changed model.xml", "PersistentVolumeClaim .*/models", "new version"),
        _other_bytes,
        "src",
    ),
    "name-clash": Case(REPOSITORY, ("tiny and Tiny differ only by case", "Rename"), _clash, "src"),
    "unreadable-file": Case(
        REPOSITORY, ("unreadable: tiny/1/model.bin", "Make it readable"), _unreadable, "src"
    ),
    "symlink-out": Case(
        REPOSITORY,
        ("tiny/1/model.bin leaves the repository", "outside.bin", "Copy the content"),
        _symlink,
        "src",
    ),
    "unknown-option": Case(
        REPOSITORY,
        ("Unsupported parameters for .*: transprot", "Supported .* transport,"),
        _unknown_option,
    ),
    "unknown-server-option": Case(
        SERVER,
        ("Unsupported parameters for .*: replica_count", "Supported .* replicas,"),
        _unknown_server_option,
    ),
    "unreachable": Case(
        BEGIN,
        ("https://127.0.0.1:1", "refuses connections", "API server up"),
        _closed_port,
        "kubeconfig",
    ),
    "wrong-ca": Case(BEGIN, ("CA that is not trusted", "ca_cert"), _wrong_ca, "ca_cert"),
    "expired-token": Case(
        PREFLIGHT, (r"expired at \d{4}-", "new token"), _expired_token, "kubeconfig"
    ),
    "revoked-token": Case(
        PREFLIGHT, ("expired, revoked or wrong", "new token"), _revoked_token, "kubeconfig"
    ),
    "pod-security": Case(
        PREFLIGHT,
        ("restricted", "hostPath", "pod-security.kubernetes.io/enforce=privileged", "pvc"),
        _host_path,
    ),
    "namespace-missing": Case(
        PREFLIGHT, ("no namespace edge-test-not-there", "Create it"), _no_namespace
    ),
    "claim-missing": Case(
        PREFLIGHT, ("no PersistentVolumeClaim .*/nowhere", "Create it"), _claim("nowhere")
    ),
    "claim-unbound": Case(
        PREFLIGHT, ("PersistentVolumeClaim .*/classless", "no-such-class"), _claim("classless")
    ),
    "claim-without-volume": Case(
        REPOSITORY, ("PersistentVolumeClaim .*/unserved", "volume"), _claim("unserved")
    ),
    "claim-read-only": Case(
        PREFLIGHT,
        ("PersistentVolumeClaim .*/readers", "ReadOnlyMany", "ReadWriteMany"),
        _claim("readers"),
    ),
    "node-missing": Case(PREFLIGHT, ("no node factory-9", "factory-1"), _no_node),
    "disk-too-small": Case(
        REPOSITORY, ("too small: needs .* are free", "/small", "Free space"), _big, "src"
    ),
    "image-absent": Case(REPOSITORY, (NO_IMAGE, "image"), _no_image),
    "refused-config": Case(
        SERVER,
        ("CPU_BIND_THREAD is gone from OpenVINO", "Use ENABLE_CPU_PINNING"),
        _refused_config,
        "models[refused].plugin_config.CPU_BIND_THREAD",
    ),
}
