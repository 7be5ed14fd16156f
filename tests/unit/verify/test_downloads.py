# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Buckets that a server cannot read, and the proxy that may be why."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Dict, List

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.secrecy import without_login
from ansible_collections.openvino.edge.plugins.module_utils.verify import downloads, explain
from ansible_collections.openvino.edge.plugins.module_utils.verify.reasons import reason_lines
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import replicas_of
from hypothesis import assume, given
from hypothesis import strategies as st

PROXY = "http://proxy.corp:3128"
S3 = (
    "[2026-11-28 06:00:00.001][1][s3][error][s3filesystem.cpp:1] Invalid or missing S3 credentials,"
    " or bucket does not exist - models. curlCode: 7, Couldn't connect to server"
)
CALLER = (
    "[2026-11-28 06:00:00.002][1][modelmanager][error][modelmanager.cpp:1] Couldn't check"
    " directory: s3://models/plant/adder"
)
OTHER = "[2026-11-28 06:00:00.003][1][serving][error][server.cpp:1] Something else"
MISSING = explain.missing("ocr-1", ("adder", 1), named=True, late=True)


def pod(entries: List[Dict[str, Any]], annotations: Dict[str, str]) -> Dict[str, Any]:
    ports = [{"containerPort": 8081}]
    containers = [
        {"name": "side", "env": [{"name": "https_proxy", "value": "http://side:1"}]},
        {"name": "ovms", "ports": ports, "env": entries},
    ]
    return {
        "metadata": {"name": "ocr-1", "annotations": annotations},
        "spec": {"nodeName": "n", "containers": containers},
        "status": {"phase": "Running"},
    }


def plain(name: str, value: str) -> Dict[str, Any]:
    return {"name": name, "value": value}


REFERENCE = {
    "name": "https_proxy",
    "valueFrom": {"secretKeyRef": {"name": "ocr-proxy", "key": "https_proxy"}},
}
HTTP = plain("http_proxy", "http://plain:80")


@pytest.mark.parametrize(
    ("entries", "annotations", "proxy"),
    [
        ([], {}, ""),
        ([HTTP, plain("https_proxy", PROXY)], {}, PROXY),
        ([HTTP, plain("https_proxy", "")], {}, "http://plain:80"),
        ([plain("HTTPS_PROXY", "http://a:b@proxy.corp:3128")], {}, PROXY),
        ([HTTP, REFERENCE], {"openvino.edge/proxy": PROXY}, PROXY),
        ([HTTP, REFERENCE], {}, "of the variable https_proxy"),
    ],
)
def test_the_proxy_of_a_pod(
    entries: List[Dict[str, Any]], annotations: Dict[str, str], proxy: str
) -> None:
    (replica,) = replicas_of([pod(entries, annotations)], 8081)
    assert (replica.container, replica.proxy) == ("ovms", proxy)


def test_the_log_of_a_bucket_names_the_proxy() -> None:
    log = reason_lines("\n".join([S3, CALLER, OTHER]), "adder")
    assert "curlCode: 7" in log and "Couldn't check directory" in log and OTHER[-9:] not in log
    found = downloads.explained(replace(MISSING, log=log), PROXY)
    assert found.message.endswith(f"its bucket is not read through the proxy {PROXY}")
    assert "may be down" in found.hint and "proxies of openvino.edge.model_server" in found.hint
    direct = downloads.explained(replace(MISSING, log=log), "")
    assert "proxy" not in direct.message + direct.hint and "endpoint" in direct.hint


@pytest.mark.parametrize("log", ["", CALLER, OTHER, S3.replace("error", "info", 1)])
def test_other_troubles_are_left_alone(log: str) -> None:
    finding = replace(MISSING, log=log)
    assert downloads.explained(finding, PROXY) == finding


@pytest.mark.parametrize("logger", ["s3", "gcs", "azurestorage"])
def test_all_clouds(logger: str) -> None:
    assert downloads.is_store_error(f"[1][{logger}][error][x.cpp:1] no")


WORD = st.text("abc1.-", min_size=1, max_size=8)


@given(
    scheme=st.sampled_from(["http", "https"]), user=WORD, host=WORD, password=st.text(max_size=9)
)
def test_no_login_is_left(scheme: str, user: str, host: str, password: str) -> None:
    # Digits and a slash are a port and a path to every client, whatever comes later.
    assume(not re.match(r"\d+/", password))
    assert without_login(f"{scheme}://{user}:{password}@{host}:1") == f"{scheme}://{host}:1"
    assert without_login(f"{scheme}://{host}:1") == f"{scheme}://{host}:1"
