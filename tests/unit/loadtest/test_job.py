# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a measurement, and the record that its log brings back."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    InputError,
    TransferError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.loadtest import files, job, program
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.options import Pod
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.worker import main
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.worker.failure import Failure

POD = Pod("python@sha256:x", "Never", ("login",), (("zone", "a"),), 120.0)


def test_the_pod_is_restricted_and_has_no_rights() -> None:
    made = job.render_job("id", "edge", POD, 2, 700, 65532)
    assert made["spec"]["backoffLimit"] == 0
    assert made["spec"]["activeDeadlineSeconds"] == 700
    assert made["spec"]["ttlSecondsAfterFinished"] > 0
    spec = made["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False and spec["restartPolicy"] == "Never"
    assert "serviceAccountName" not in spec and "hostNetwork" not in spec
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        "runAsUser": 65532,
        "runAsGroup": 65532,
    }
    assert spec["nodeSelector"] == {"zone": "a"}
    assert spec["imagePullSecrets"] == [{"name": "login"}]
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "ports" not in container and "cpu" not in container["resources"]["limits"]
    names = [item["configMap"]["name"] for item in spec["volumes"][0]["projected"]["sources"]]
    assert names == ["edge-benchmark-id-0", "edge-benchmark-id-1"]
    left = job.render_job("id", "edge", POD, 1, 700, None)["spec"]["template"]["spec"]
    assert "runAsUser" not in left["securityContext"]  # OpenShift chooses


def test_big_tensors_are_divided_and_come_together_again(tmp_path: os.PathLike[str]) -> None:
    raws = [os.urandom(job.CHUNK), b"", os.urandom(job.CHUNK + 5)]
    inputs = [
        {"name": str(at), "datatype": "UINT8", "shape": [len(raw)], "size": len(raw), "seed": None}
        for at, raw in enumerate(raws)
    ]
    owner = {"metadata": {"name": "j", "namespace": "edge", "uid": "u"}}
    maps = job.render_config_maps("id", owner, {"inputs": inputs}, b"zip", b"".join(raws))
    assert len(maps) == 4 == 1 + len(job.chunks(b"".join(raws)))
    for config in maps:
        assert len(json.dumps(config)) < 1024 * 1024
        assert config["metadata"]["ownerReferences"][0]["uid"] == "u"
        for name, text in config["binaryData"].items():
            with open(os.path.join(tmp_path, name), "wb") as file:
                file.write(base64.b64decode(text))
    assert main.inputs_of({"inputs": inputs}, main.given_in(str(tmp_path))) == raws


def test_files_of_tls_go_into_a_secret_and_the_plan_finds_them_there(tmp_path: Path) -> None:
    for name in ("ca", "key"):
        (tmp_path / name).write_text(f"the {name}")
    tls = {"verify": True, "ca": str(tmp_path / "ca"), "key": str(tmp_path / "key")}
    plan, found = files.for_pod({"tls": tls, "host": "h"}, "/edge")
    assert plan == {
        "tls": {"verify": True, "ca": "/edge/ca.pem", "key": "/edge/key.pem"},
        "host": "h",
    }
    owner = {"metadata": {"name": "edge-benchmark-id", "namespace": "edge", "uid": "u"}}
    secret = job.render_secret("id", owner, found)
    assert secret["metadata"]["ownerReferences"][0]["uid"] == "u"
    read = {name: base64.b64decode(text) for name, text in secret["data"].items()}
    assert read == {"ca.pem": b"the ca", "key.pem": b"the key"}
    spec = job.render_job("id", "edge", POD, 1, 700, None, secret=True)["spec"]["template"]["spec"]
    (*_maps, source) = spec["volumes"][0]["projected"]["sources"]
    assert source == {"secret": {"name": secret["metadata"]["name"]}}
    assert files.for_pod({"tls": {"verify": False}}, "/edge") == ({"tls": {"verify": False}}, {})
    (tmp_path / "ca").unlink()
    with pytest.raises(InputError, match="it cannot be read") as caught:
        files.for_pod({"tls": tls}, "/edge")
    assert caught.value.option == "tls.ca"


@pytest.mark.parametrize(
    ("plan", "wanted"),
    [
        ({}, [["a", 1], ["b", 1]]),
        ({"pinned": True}, [["b", 1]]),
        ({"resolve": True, "addresses": [["localhost", 7]]}, [["127.0.0.1", 7]]),
    ],
)
def test_whom_a_connection_asks(
    monkeypatch: pytest.MonkeyPatch, plan: dict[str, Any], wanted: list[Any]
) -> None:
    both = [(0, 0, 0, "", ("127.0.0.1", 7)), (0, 0, 0, "", ("127.0.0.1", 7))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **how: both)
    whole = {"addresses": [["a", 1], ["b", 1]], **plan}
    found = main._of_connection(whole, main._addresses(whole), 3)
    assert [list(address) for address in found] == wanted


def test_a_name_without_an_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_given: Any, **_how: Any) -> None:
        raise socket.gaierror(-2, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Failure, match="ovms-headless.edge.svc has no address: not known"):
        main._addresses({"addresses": [["ovms-headless.edge.svc", 1]], "resolve": True})


def test_the_archive_has_what_the_program_imports() -> None:
    with zipfile.ZipFile(io.BytesIO(program.program())) as packed:
        names = {name.partition("/")[2] for name in packed.namelist()}
    folder = os.path.dirname(main.__file__)
    assert names - {""} == {name for name in os.listdir(folder) if name.endswith(".py")}


@pytest.mark.parametrize("before", ["", "a line of the image\n"])
def test_a_record_comes_back_whole(before: str) -> None:
    record = {"latencies": list(range(5000)), "failures": [[1, "timeout"]]}
    lines = main.encode(record)
    assert max(map(len, lines)) <= main.LINE
    assert program.record_of(before + "\n".join(lines), "pod a") == record


@pytest.mark.parametrize("cut", [0, 1, -1])
def test_a_part_of_a_record_is_refused(cut: int) -> None:
    lines = main.encode({"latencies": [at * 7919 % 100_003 for at in range(5000)]})
    del lines[cut]
    with pytest.raises(TransferError, match="cannot be read"):
        program.record_of("\n".join(lines), "pod a")
    with pytest.raises(TransferError, match="it has no record; the last line is ''"):
        program.record_of("", "pod a")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("missing_package", UnsupportedError),
        ("FileNotFoundError", InputError),
        ("SSLError", InputError),
        ("HTTP 404", program.BenchmarkError),
    ],
)
def test_what_the_program_says_is_one_error(kind: str, error: type[EdgeError]) -> None:
    text = "\n".join(main.encode({"error": {"kind": kind, "message": "so it is"}}))
    with pytest.raises(error, match="so it is") as caught:
        program.record_of(text, "pod a")
    assert caught.value.hint and caught.value.subject == "pod a"
