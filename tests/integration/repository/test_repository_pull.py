# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site's helper pod fetches from a web server and an S3 server, through a proxy or not."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from kubernetes import client as k8s

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "testbed"))

from web.object_store import object_store  # noqa: E402
from web.webkit import FileServer, ForwardProxy, running  # noqa: E402

KEYS = ("edge-access-key", "edge-hidden-secret-key")
LAB = Path(__file__).resolve().parents[2] / "testbed" / "lab" / "lab"


@pytest.fixture(scope="module")
def address() -> str:
    """An address of this machine that pods of the cluster reach."""
    if os.environ.get("EDGE_HOST_ADDRESS"):
        return os.environ["EDGE_HOST_ADDRESS"]
    done = subprocess.run([str(LAB), "status", "--json"], capture_output=True, check=True)
    found = {item["name"]: item["gateway"] for item in json.loads(done.stdout)}
    return str(found["factory"])


@pytest.fixture
def files(address: str) -> Iterator[FileServer]:
    with running(FileServer(address)) as server:
        yield server


@pytest.fixture
def proxy(address: str) -> Iterator[ForwardProxy]:
    with running(ForwardProxy(address, "someone:hidden-proxy-word")) as server:
        yield server


@pytest.fixture
def store(factory: Any, make_namespace: Any) -> Iterator[dict[str, Any]]:
    """A fresh directory, which is removed from all nodes afterwards."""
    namespace = make_namespace(factory, "privileged")
    name, above = f"edge-test-{uuid.uuid4().hex[:8]}", "/var/lib/openvino-edge"
    yield {"namespace": namespace, "host_path": {"path": f"{above}/{name}"}}
    for node in factory.nodes():
        volume = {"hostPath": {"path": above}}
        with factory.visitor(namespace, volume, node=node, uid=0, read_only=False) as visitor:
            visitor.sh(f"rm -rf /store/{name}")


@pytest.fixture
def manifest(source: Path, tmp_path: Path) -> Path:
    """What ``sha256sum`` prints for the repository."""
    path = tmp_path / "SHA256SUMS"
    lines = [
        f"{hashlib.sha256(item.read_bytes()).hexdigest()}  {item.relative_to(source).as_posix()}\n"
        for item in sorted(source.rglob("*"))
        if item.is_file()
    ]
    path.write_text("".join(lines))
    return path


def size_of(source: Path) -> int:
    return sum(item.stat().st_size for item in source.rglob("*") if item.is_file())


def sums(factory: Any, store: dict[str, Any], node: str) -> dict[str, str]:
    """Return path and sha256 of everything that is published on a node, taken there."""
    volume = {"hostPath": {"path": store["host_path"]["path"]}}
    with factory.visitor(store["namespace"], volume, node=node) as visitor:
        text = str(visitor.sh("cd /store/models && find . -type f -exec sha256sum '{}' +"))
    return {line[66:].removeprefix("./"): line[:64] for line in text.strip().split("\n")}


def local_sums(source: Path) -> dict[str, str]:
    return {
        item.relative_to(source).as_posix(): hashlib.sha256(item.read_bytes()).hexdigest()
        for item in source.rglob("*")
        if item.is_file()
    }


def test_from_a_web_server_through_the_proxy_of_the_site(
    factory: Any,
    store: dict[str, Any],
    source: Path,
    manifest: Path,
    copy: Any,
    files: FileServer,
    proxy: ForwardProxy,
) -> None:
    files.put_tree(source)
    files.manners.login = "Basic " + base64.b64encode(b"reader:hidden-password").decode()
    pull = {
        "url": files.url,
        "manifest": str(manifest),
        "username": "reader",
        "password": "hidden-password",
        "http_proxy": f"http://someone:hidden-proxy-word@{proxy.place}",
    }
    dry = copy(factory, pull=pull, runtime=Runtime(check_mode=True), **store)
    assert dry["changed"]
    proxy.log.clear()
    done = copy(factory, pull=pull, **store)
    assert done["bytes_sent"] < 2000  # no file of content comes from here
    assert done["bytes_pulled"] == size_of(source) == done["bytes_from_peers"]
    assert any(line == f"GET {files.url}/ocr/1/model.bin" for line in proxy.log)
    assert all(line.split()[1].startswith(files.url) for line in proxy.log)
    gets = [path for path in files.paths() if path.endswith("model.bin")]
    assert len(gets) == 1  # one copy crosses the link of the site
    for node in factory.nodes():
        assert sums(factory, store, node) == local_sums(source)
    files.asked.clear()
    again = copy(factory, pull=pull, **store)
    assert not again["changed"]
    assert files.asked == []


def test_a_connection_that_breaks_and_wrong_bytes(
    factory: Any,
    store: dict[str, Any],
    source: Path,
    manifest: Path,
    copy: Any,
    files: FileServer,
) -> None:
    files.put_tree(source)
    pull = {"url": files.url, "manifest": str(manifest)}
    files.manners.cut = [50_000, 700_000, 60_000]
    done = copy(factory, pull=pull, models=[{"name": "ocr"}], **store)
    assert done["changed"]
    assert any(headers.get("Range") for _verb, _path, headers in files.asked)
    files.manners.wrong = True
    with pytest.raises(EdgeError, match=r"det\.onnx are not those expected"):
        copy(factory, pull=pull, **store)
    files.manners.wrong = False
    assert copy(factory, pull=pull, **store)["changed"]
    assert sums(factory, store, factory.nodes()[0]) == local_sums(source)


def test_a_source_that_refuses_or_is_not_there(
    factory: Any,
    store: dict[str, Any],
    source: Path,
    manifest: Path,
    copy: Any,
    files: FileServer,
) -> None:
    files.put_tree(source)
    files.manners.login = "Bearer right"
    pull = {"url": files.url, "manifest": str(manifest), "bearer_token": "wrong-hidden"}
    with pytest.raises(EdgeError, match="HTTP 401") as caught:
        copy(factory, pull=pull, **store)
    assert caught.value.option == "pull"
    assert "wrong-hidden" not in str(caught.value.as_result())
    pull = {"url": files.url, "manifest": str(manifest), "secret_name": "not-there"}
    with pytest.raises(EdgeError, match="Secret"):
        copy(factory, pull=pull, **store)


@pytest.fixture
def bucket(source: Path, manifest: Path, tmp_path: Path, address: str) -> Iterator[dict[str, Any]]:
    """An S3 server that has the repository in models/edge/; the manifest was made before."""
    root = tmp_path / "buckets"
    (root / "models").mkdir(parents=True)
    source.rename(root / "models" / "edge")
    with object_store(root, address, KEYS) as endpoint:
        yield {"url": "s3://models/edge", "endpoint": endpoint}
    (root / "models" / "edge").rename(source)


def test_from_a_bucket_on_first_use_and_not_again(
    factory: Any, store: dict[str, Any], copy: Any, bucket: dict[str, Any], tmp_path: Path
) -> None:
    here = tmp_path / "buckets" / "models" / "edge"
    pull = {**bucket, "access_key": KEYS[0], "secret_key": KEYS[1]}
    dry = copy(factory, pull=pull, runtime=Runtime(check_mode=True), **store)
    assert dry["bytes_planned"] == 0
    done = copy(factory, pull=pull, **store)
    assert done["bytes_pulled"] == size_of(here)
    for node in factory.nodes():
        assert sums(factory, store, node) == local_sums(here)
    again = copy(factory, pull=pull, **store)
    assert not again["changed"] and again["bytes_pulled"] == again["bytes_sent"] == 0
    assert copy(factory, pull=pull, runtime=Runtime(check_mode=True), **store)["changed"] is False
    (here / "ocr/1/model.bin").write_bytes(os.urandom(2_500_000))
    with pytest.raises(InputError, match="other bytes"):
        copy(factory, pull=pull, **store)


def test_from_a_bucket_with_an_existing_secret_and_a_manifest(
    factory: Any, store: dict[str, Any], copy: Any, bucket: dict[str, Any], manifest: Path
) -> None:
    factory.core.create_namespaced_secret(
        store["namespace"],
        {
            "metadata": {"name": "mine"},
            "stringData": {"AWS_ACCESS_KEY_ID": KEYS[0], "AWS_SECRET_ACCESS_KEY": KEYS[1]},
        },
    )
    pull = {**bucket, "secret_name": "mine", "manifest": str(manifest)}
    done = copy(factory, pull=pull, **store)
    assert done["changed"] and done["bytes_pulled"] > 2_000_000
    assert not copy(factory, pull=pull, **store)["changed"]


def test_wrong_keys_are_told_by_the_name_of_the_refusal(
    factory: Any, store: dict[str, Any], copy: Any, bucket: dict[str, Any]
) -> None:
    pull = {**bucket, "access_key": KEYS[0], "secret_key": "hidden-and-wrong"}
    with pytest.raises(EdgeError, match="HTTP 403") as caught:
        copy(factory, pull=pull, **store)
    assert "hidden-and-wrong" not in str(caught.value.as_result())


class Watch:
    """Collects everything of a namespace that others could read, while the task runs."""

    def __init__(self, cluster: Any, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.seen: dict[str, str] = {}
        self.secrets: list[str] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_args: Any) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.1):
            self.look()

    def look(self) -> None:
        core, name = self.cluster.core, self.namespace
        self._keep("pods", core.list_namespaced_pod(name))
        self._keep("maps", core.list_namespaced_config_map(name))
        self._keep("events", core.list_namespaced_event(name))
        self._keep("jobs", k8s.BatchV1Api(self.cluster.api).list_namespaced_job(name))
        for item in core.list_namespaced_secret(name).items:
            self.secrets.append(item.metadata.name)
        for pod in core.list_namespaced_pod(name).items:
            try:
                log = core.read_namespaced_pod_log(pod.metadata.name, name)
                self.seen[f"log-{pod.metadata.name}"] = log
            except Exception:  # the container does not run yet, or no more
                continue

    def _keep(self, kind: str, found: Any) -> None:
        for item in found.items:
            key = f"{kind}-{item.metadata.name}-{item.metadata.resource_version}"
            self.seen[key] = str(item.to_dict())


def test_credentials_are_nowhere_to_be_read(
    factory: Any,
    store: dict[str, Any],
    copy: Any,
    bucket: dict[str, Any],
    proxy: ForwardProxy,
) -> None:
    """Every object, event and log of the namespace, and all that the module says."""
    pull = {
        **bucket,
        "access_key": KEYS[0],
        "secret_key": KEYS[1],
        "http_proxy": f"http://someone:hidden-proxy-word@{proxy.place}",
    }
    said: list[str] = []
    runtime = Runtime(diff=True, progress=said.append)
    with Watch(factory, store["namespace"]) as watch:
        done = copy(factory, pull=pull, runtime=runtime, **store)
        watch.look()
    assert done["changed"] and proxy.log
    texts = {**watch.seen, "result": str(done), "said": str(said), "warned": str(runtime.warnings)}
    assert any(key.startswith("log-") and value for key, value in texts.items())
    assert any("edge-secret" in value for key, value in texts.items() if key.startswith("pods"))
    for word in (KEYS[1], "hidden-proxy-word", base64.b64encode(KEYS[1].encode()).decode()):
        assert [key for key, value in texts.items() if word in value] == []
    made = {name for name in watch.secrets if name.startswith("edge-agent-")}
    assert len(made) == len(factory.nodes())
    factory.wait_until(
        lambda: (
            not [
                item
                for item in factory.core.list_namespaced_secret(store["namespace"]).items
                if item.metadata.name in made
            ]
        ),
        "the Secrets went with their Jobs",
        60,
    )


@pytest.fixture
def claimed(factory: Any, make_namespace: Any, make_pvc: Any) -> dict[str, Any]:
    """A fresh claim in a namespace under the restricted Pod Security level."""
    namespace = make_namespace(factory, "restricted")
    make_pvc(factory, namespace, "models", "1Gi")
    return {"namespace": namespace, "pvc": {"claim_name": "models"}}


def test_the_module_says_nothing_of_credentials_even_when_asked_for_all(
    factory: Any,
    claimed: dict[str, Any],
    bucket: dict[str, Any],
    images: dict[str, str],
    proxy: ForwardProxy,
    tmp_path: Path,
) -> None:
    """With -vvvv, on a claim of a restricted namespace, when it works and when it fails."""
    pull = {
        **bucket,
        "access_key": KEYS[0],
        "secret_key": KEYS[1],
        "session_token": "",
        "http_proxy": f"http://someone:hidden-proxy-word@{proxy.place}",
    }
    options = {**factory.auth, **claimed, **images, "pull": pull}
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [
                {"name": "Pull", "openvino.edge.model_repository": options, "register": "done"},
                {"name": "Show", "ansible.builtin.debug": {"var": "done"}},
                {
                    "name": "Fail",
                    "openvino.edge.model_repository": {
                        **options,
                        "pull": {**pull, "url": "s3://models/none"},
                    },
                },
            ],
        }
    ]
    (tmp_path / "play.json").write_text(json.dumps(play))
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-vvvv", "--diff", "play.json"],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(root / "collections"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"),
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    text = done.stdout + done.stderr
    assert "bytes_pulled" in text and "there is nothing" in text, text
    assert "changed=1" in text and "failed=1" in text
    assert KEYS[1] not in text and "hidden-proxy-word" not in text
