# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options: bad ones end before anything is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.loadtest.options import (
    ARGUMENT_SPEC,
    Options,
    options_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill

URL = "https://ocr.example.org"


def options(**given: Any) -> Options:
    base = {"model": "m"} if "url" in given else {"model": "m", "namespace": "n", "name": "s"}
    return options_from_params(fill(ARGUMENT_SPEC, {**base, **given}))


@pytest.mark.parametrize(
    ("given", "option", "says"),
    [
        ({"concurrency": 0}, "concurrency", "0 is not from 1 to 256"),
        ({"requests": 500_001}, "requests", "not from 1"),
        ({"duration": 0.0}, "duration", "not from 0.1"),
        ({"rate": float("nan")}, "rate", "not from"),
        ({"warmup": -1}, "warmup", "not from 0"),
        ({"version": 0}, "version", "not from 1"),
        ({"duration": 900.0}, "run_timeout", "900 s, longer than the 600 s"),
        ({"requests": 100_000, "rate": 1.0}, "run_timeout", "longer than"),
        ({"duration": 100.0, "rate": 9000.0}, "duration", "900000 requests are more"),
        ({"agent_image": " "}, "agent_image", "an image name is needed"),
        ({"model": "org/m"}, "model", "cannot be asked through the API server"),
        ({"tls": {"verify": False}}, "tls", "it is for a url only"),
        ({"connect": "192.0.2.7:443"}, "connect", "it is for a url only"),
        ({"url_from": "cluster"}, "url_from", "it is for a url only"),
        ({"url": URL, "url_from": "cluster"}, "url_from", "only beside a server whose model is"),
        ({"url": URL, "connect": "192.0.2.7"}, "connect", "it is no host and port"),
        ({"url": URL, "connect": "192.0.2.7:no"}, "connect", "it is no host and port"),
        ({"url": URL, "connect": "192.0.2.7:80/x"}, "connect", "it is no host and port"),
        ({"url": "ocr.example.org"}, "url", "no URL of a server"),
        ({"url": "https://h:99999"}, "url", "no URL of a server"),
        ({"url": "ftp://h"}, "url", "no URL of a server"),
        ({"url": "https://user@h"}, "url", "more than host, port and path"),
        ({"url": "grpc://h"}, "url", "not for client rest"),
        ({"url": URL, "client": "grpc"}, "url", "not for client grpc"),
        ({"url": "http://h", "tls": {"ca": "x"}}, "tls", "is without TLS"),
        ({"url": URL, "tls": {"cert": "c"}}, "tls.cert", "belong together"),
        ({"url": URL, "tls": {"ca": "/nowhere/ca.pem"}}, "tls.ca", "cannot be read"),
        (
            {"url": "grpcs://h", "client": "grpc", "tls": {"verify": False}},
            "tls.verify",
            "no way to leave out",
        ),
        ({"inputs": [{"name": "x"}]}, "inputs", "neither values nor a shape"),
        ({"inputs": [{"name": "x", "shape": [0]}]}, "inputs", "neither values nor a shape"),
        ({"inputs": [{"name": "x", "shape": [1]}] * 2}, "inputs", "is there twice"),
        ({"inputs": [{"name": "x", "data": [1]}]}, "inputs", "needs 'datatype' and 'shape'"),
        (
            {"inputs": [{"name": "x", "datatype": "FP32", "shape": [3], "data": [1]}]},
            "inputs",
            "1 values, but the shape",
        ),
        ({"inputs": [{"name": "x", "file": "/nowhere.npy"}]}, "inputs", "cannot be read"),
        ({"slo": {"p50_ms": 9.0, "p99_ms": 3.0}}, "slo.p99_ms", "below"),
        ({"dest": __file__}, "dest", "it is no directory"),
    ],
)
def test_bad_options_name_option_and_way_out(given: Any, option: str, says: str) -> None:
    with pytest.raises(EdgeError, match=says) as caught:
        options(**given)
    assert caught.value.option == option


def test_what_is_sent_by_default() -> None:
    found = options()
    assert (found.load.requests, found.load.duration, found.load.concurrency) == (1000, 0.0, 1)
    assert options(duration=5.0).load.requests == 0
    assert found.address is None and found.in_cluster and found.target == "service"


def test_urls_are_taken_apart(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("x")
    found = options(url=f"{URL}/site/", tls={"ca": str(file)}).address
    assert found is not None
    assert (found.host, found.port, found.prefix) == ("ocr.example.org", 443, "/site")
    assert found.tls == {"verify": True, "ca": str(file)}
    plain = options(url="http://[::1]:8081").address
    assert plain is not None and (plain.host, plain.port, plain.tls) == ("::1", 8081, None)
    assert plain.at == ("::1", 8081) and not options(url="http://h").in_cluster
    other = options(url=URL, connect="[2001:db8::7]:8443", url_from="cluster", name="s")
    assert other.in_cluster and other.address is not None
    assert (other.address.host, other.address.at) == ("ocr.example.org", ("2001:db8::7", 8443))
