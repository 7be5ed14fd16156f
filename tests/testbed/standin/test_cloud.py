# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models in buckets: real stores on loopback, and what the clients get wrong on the way there."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import write_ir
from ovms_standin.cloud import open_bucket, subdirectories
from ovms_standin.cloud_http import ClientCrash, CloudError
from ovms_standin.cloud_s3 import proxy_from
from ovms_standin.knobs import Knobs
from ovms_standin.manager import ModelManager, Settings
from ovms_standin.metrics import Metrics

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from web.object_store import object_store  # noqa: E402
from web.webkit import ForwardProxy, running  # noqa: E402

KEYS = ("edge-access-key", "edge-hidden-secret-key")
VARIABLES = (
    *("S3_ENDPOINT", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("AWS_SESSION_TOKEN", "http_proxy", "https_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    """An S3 server whose bucket ``models`` has versions 1 and 2 of a model."""
    for version in (1, 2):
        write_ir(tmp_path / "buckets" / "models" / "ocr" / "scale" / str(version), float(version))
    with object_store(tmp_path / "buckets", "127.0.0.1", KEYS) as endpoint:
        yield endpoint


@pytest.fixture
def environment(store: str, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("S3_ENDPOINT", store)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
    return monkeypatch


def served(path: str) -> dict[int, str]:
    """States after a first pass over one model."""
    single = {"name": "scale", "base_path": path, "model_version_policy": {"all": {}}}
    manager = ModelManager(Settings(single_model=single, poll_seconds=0), Knobs(), Metrics())
    try:
        manager.start()
        found = manager.statuses().get("scale", [])
        return {version: status.state.name for version, status in found}
    finally:
        manager.stop()


def test_models_are_downloaded_and_loaded(environment: pytest.MonkeyPatch) -> None:
    before = set(Path("/tmp").glob("file*"))
    assert served("s3://models/ocr/scale") == {1: "AVAILABLE", 2: "AVAILABLE"}
    assert served("s3://models/ocr/scale/") == {1: "AVAILABLE", 2: "AVAILABLE"}
    assert set(Path("/tmp").glob("file*")) == before


def test_only_directories_are_versions(environment: pytest.MonkeyPatch) -> None:
    assert subdirectories("s3://models/ocr/scale") == ["1", "2"]
    assert subdirectories("s3://models/ocr/absent") is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong"),
        ("AWS_ACCESS_KEY_ID", "unknown"),
        ("S3_ENDPOINT", "http://127.0.0.1:1"),
    ],
)
def test_without_the_right_way_in_nothing_is_listed(
    environment: pytest.MonkeyPatch,
    log: io.StringIO,
    variable: str,
    value: str,
) -> None:
    environment.setenv(variable, value)
    assert served("s3://models/ocr/scale") == {}
    assert "Couldn't check directory: s3://models/ocr/scale" in log.getvalue()
    assert "[s3][error][s3filesystem.cpp:1] Invalid or missing S3 credentials" in log.getvalue()


def test_no_tls_to_an_endpoint(environment: pytest.MonkeyPatch, store: str) -> None:
    environment.setenv("S3_ENDPOINT", store.replace("http://", "https://"))
    assert served("s3://models/ocr/scale") == {}


def test_no_proxy_is_not_looked_at(environment: pytest.MonkeyPatch) -> None:
    with running(ForwardProxy()) as proxy:
        environment.setenv("https_proxy", f"http://{proxy.place}")
        environment.setenv("no_proxy", "127.0.0.1")
        assert served("s3://models/ocr/scale") == {1: "AVAILABLE", 2: "AVAILABLE"}
        assert any("model.bin" in line for line in proxy.log)


def test_which_proxy_wins() -> None:
    found = proxy_from({"http_proxy": "http://c:3", "HTTPS_PROXY": "http://u:p@b:2/"})
    assert found is not None
    assert (found.host, found.port, found.login) == ("b", 2, "u:p")
    assert proxy_from({"http_proxy": "http://proxy:3/path"}) is None
    assert proxy_from({}) is None


def test_a_proxy_without_a_port_ends_the_process(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTP_PROXY", "http://proxy.corp")
    with pytest.raises(ClientCrash, match="stoi"):
        served("s3://models/ocr/scale")


def test_without_keys_the_bucket_is_part_of_the_host() -> None:
    bucket, _ = open_bucket("s3://models/ocr", {"S3_ENDPOINT": "127.0.0.1:1"})
    assert vars(bucket)["_base"] == "http://models.127.0.0.1:1"


def test_a_key_file_of_google_has_to_be_one(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text("{}")
    with pytest.raises(CloudError, match="Unable to create default GCS credentials"):
        open_bucket("gs://models/ocr", {"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
    file.write_text('{"type": "service_account"}')
    open_bucket("gs://models/ocr", {"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
