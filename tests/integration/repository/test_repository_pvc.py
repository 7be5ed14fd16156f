# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume in a namespace under the restricted Pod Security level, by both transports."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import BusyError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

TRANSPORTS = ("agent", "exec")


@pytest.fixture
def store(shop: Any, make_namespace: Any, make_pvc: Any) -> dict[str, Any]:
    """The store options of a fresh claim; ``volume`` is how a pod mounts it."""
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace, "models", "1Gi")
    return {"namespace": namespace, "pvc": {"claim_name": "models"}}


VOLUME = {"persistentVolumeClaim": {"claimName": "models"}}


def checksums(root: Path) -> set[str]:
    return {
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(root)}"
        for path in root.rglob("*")
        if path.is_file()
    }


def no_helper_left(cluster: Any, namespace: str) -> bool:
    """Whether no object of a helper is left."""
    selector = "openvino.edge/agent"
    pods = cluster.core.list_namespaced_pod(namespace, label_selector=selector).items
    maps = cluster.core.list_namespaced_config_map(namespace, label_selector=selector).items
    return not pods and not maps


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_copy_twice_look_and_remove(
    transport: str, shop: Any, store: dict[str, Any], source: Path, copy: Any, listing: Any
) -> None:
    os.chmod(source / "ocr/1/model.bin", 0o600)
    old = os.umask(0o077)
    try:
        first = copy(shop, src=str(source), transport=transport, **store)
    finally:
        os.umask(old)
    size = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    assert first["changed"] and first["transport"] == transport
    assert first["bytes_total"] == size
    assert size <= first["bytes_sent"] == first["bytes_planned"] < size + 999
    assert first["files_sent"] == 5
    with shop.visitor(store["namespace"], VOLUME) as visitor:
        seen = visitor.sh("cd /store/models && find . -type f | xargs -d '\\n' sha256sum")
        assert set(seen.splitlines()) == checksums(source)
        modes = set(visitor.sh("cd /store/models && find . -printf '%y %m %u %g\\n'").split("\n"))
        # The kubelet gives a volume that it mounts first to fsGroup: setgid and group-writable.
        assert modes - {""} <= {
            *("d 755 5000 5000", "d 2755 5000 5000", "d 2775 5000 5000"),
            *("f 644 5000 5000", "f 664 5000 5000"),
        }
        leftovers = visitor.sh("ls /store/.edge/staging /store/.edge/trash /store/.edge/locks")
        assert "tree" not in leftovers and "owner" not in leftovers

    again = copy(shop, src=str(source), transport=transport, **store)
    assert not again["changed"]
    assert (again["bytes_sent"], again["bytes_reused"], again["files_sent"]) == (0, size, 0)
    assert again["models"] == first["models"]

    found = listing(shop, verify=True, transport=transport, **store)
    (target,) = found["targets"]
    digests = {(item["model"], str(item["version"])): item["digest"] for item in target["versions"]}
    assert found["sound"] and target["exists"]
    assert digests == {(m, v): d for m, vs in first["models"].items() for v, d in vs.items()}

    models = [{"name": "ocr", "versions": [1]}]
    gone = copy(shop, state="absent", models=models, transport=transport, **store)
    assert gone["changed"] and gone["targets"][0]["versions_removed"] == ["ocr/1"]
    left = listing(shop, transport=transport, **store)["targets"][0]["versions"]
    assert [item["model"] for item in left] == ["det"]
    assert not copy(shop, state="absent", models=models, transport=transport, **store)["changed"]
    shop.wait_until(lambda: no_helper_left(shop, store["namespace"]), "helpers are gone", 30)


def test_the_transports_understand_each_other(
    shop: Any, store: dict[str, Any], source: Path, copy: Any, listing: Any
) -> None:
    only = [{"name": "ocr"}]
    assert copy(shop, src=str(source), transport="exec", models=only, **store)["changed"]
    second = copy(shop, src=str(source), transport="agent", **store)
    assert second["targets"][0]["versions_published"] == ["det/3"]
    assert second["targets"][0]["versions_kept"] == ["ocr/1"]
    third = copy(shop, src=str(source), transport="exec", **store)
    assert not third["changed"]
    versions = listing(shop, **store)["targets"][0]["versions"]
    assert {item["checked"] for item in versions} == {"stamps"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_check_mode_predicts_and_changes_nothing(
    transport: str, shop: Any, store: dict[str, Any], source: Path, copy: Any
) -> None:
    options = {"src": str(source), "transport": transport, **store}
    dry = Runtime(check_mode=True, diff=True)
    empty = copy(shop, runtime=dry, **options)
    claim = shop.core.read_namespaced_persistent_volume_claim("models", store["namespace"])
    assert claim.status.phase == "Pending", "check mode must not bind a waiting claim"
    first = copy(shop, models=[{"name": "det"}], **options)
    assert empty["changed"] and empty["bytes_planned"] >= empty["bytes_total"] > 2_500_000
    assert empty["bytes_sent"] == 0
    dry = copy(shop, runtime=Runtime(check_mode=True, diff=True), **options)
    real = copy(shop, **options)
    assert dry["changed"] and dry["bytes_sent"] == 0
    assert dry["bytes_planned"] == real["bytes_planned"] == real["bytes_sent"]
    assert dry["diff"] == real["diff"] and "ocr/1" in dry["diff"]["after"]
    assert first["bytes_total"] == real["bytes_reused"]
    after = copy(shop, runtime=Runtime(check_mode=True), **options)
    assert not after["changed"] and after["bytes_planned"] == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_same_version_other_bytes(
    transport: str, shop: Any, store: dict[str, Any], source: Path, copy: Any
) -> None:
    copy(shop, src=str(source), transport=transport, **store)
    (source / "ocr/1/model.xml").write_bytes(b"<NET/>")
    (source / "ocr/2").mkdir()
    (source / "ocr/2/model.onnx").write_bytes(b"onnx")
    with pytest.raises(InputError) as caught:
        copy(shop, src=str(source), transport=transport, **store)
    assert "ocr/1 (changed model.xml)" in str(caught.value)
    dry = copy(
        shop,
        runtime=Runtime(check_mode=True),
        src=str(source),
        models=[{"name": "ocr", "versions": [2]}],
        **store,
    )
    assert dry["changed"], "version 2 must not have been published by the failed task"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_touched_version_is_read_again_and_sealed(
    transport: str, shop: Any, store: dict[str, Any], source: Path, copy: Any, listing: Any
) -> None:
    options = {"transport": transport, **store}
    copy(shop, src=str(source), **options)
    with shop.visitor(store["namespace"], VOLUME, read_only=False) as visitor:
        visitor.sh("touch /store/models/ocr/1/model.bin; mkdir /store/models/ocr/2.tmp")
    before = listing(shop, **options)["targets"][0]
    assert before["strays"] == ["ocr/2.tmp"]
    assert {item["model"]: item["checked"] for item in before["versions"]} == {
        "det": "stamps",
        "ocr": "none",
    }
    runtime = Runtime()
    assert not copy(shop, runtime=runtime, src=str(source), **options)["changed"]
    assert "ocr/2.tmp" in " ".join(runtime.warnings)
    assert {item["checked"] for item in listing(shop, **options)["targets"][0]["versions"]} == {
        "stamps"
    }
    with shop.visitor(store["namespace"], VOLUME, read_only=False) as visitor:
        visitor.sh("cd /store/models/ocr/1; printf X | dd of=model.bin bs=1 seek=9 conv=notrunc")
    damaged = listing(shop, verify=True, **options)
    assert not damaged["sound"]
    with pytest.raises(InputError, match="changed model.bin"):
        copy(shop, src=str(source), **options)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_busy_store_names_the_holder(
    transport: str, shop: Any, store: dict[str, Any], source: Path, copy: Any
) -> None:
    copy(shop, src=str(source), models=[{"name": "det"}], **store)
    lock = "/store/.edge/locks/store"
    with shop.visitor(store["namespace"], VOLUME, read_only=False) as visitor:
        holder = '{\\"id\\": \\"x\\", \\"note\\": \\"ann@laptop\\"}'
        visitor.sh(f'mkdir {lock}; echo "{holder}" > {lock}/owner')
        visitor.sh(f"(while [ -e {lock} ]; do touch -c {lock}/owner; sleep 1; done) >&- 2>&- &")
        with pytest.raises(BusyError, match="ann@laptop"):
            copy(shop, src=str(source), transport=transport, **store)
        visitor.sh(f"rm -r {lock}")
    assert copy(shop, src=str(source), transport=transport, **store)["changed"]


def test_a_big_file(shop: Any, store: dict[str, Any], tmp_path: Path, copy: Any) -> None:
    target = tmp_path / "src/big/1"
    target.mkdir(parents=True)
    (target / "big.xml").write_text("<net/>")
    block = os.urandom(1 << 20)
    with open(target / "big.bin", "wb") as stream:
        for number in range(300):
            stream.write(number.to_bytes(4, "big") + block[4:])
    for number, transport in enumerate(TRANSPORTS, 1):
        lines: list[str] = []
        runtime = Runtime(progress=lines.append)
        if number == 2:
            (tmp_path / "src/big/1").rename(tmp_path / "src/big/2")
        where = {**store, "pvc": {**store["pvc"], "sub_path": transport}}
        done = copy(shop, runtime=runtime, src=str(tmp_path / "src"), transport=transport, **where)
        assert (300 << 20) + 6 <= done["bytes_sent"] < (300 << 20) + 50_000
        assert len(lines) < 30 and any(f"published big/{number}" in line for line in lines)
