# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases from the field: no value of the chart is lost, and each reason is true."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.filter.migrate_values import migrate_values
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)

from ..conftest import make_spec

IMAGE = "openvino/model_server:2025.4"
KEYS = {
    "aws_access_key_id": "EXAMPLE",
    "aws_secret_access_key": "example",
    "aws_region": "eu-central-1",
    "s3_compat_api_endpoint": "http://store.example:9000",
}
OWN = {"single_model_mode": False, "config_configmap_name": "line-config"}
AZURE = {"azure_storage_connection_string": "AccountName=a;AccountKey=b"}


def migrated(
    settings: dict[str, Any], repository: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    values = {"image_name": IMAGE, "models_settings": settings, **more}
    return migrate_values({**values, "models_repository": repository or {}}, "ovms")


def single(path: str, repository: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    return migrated({"model_name": "resnet", "model_path": path, **settings}, repository)


def warned(found: dict[str, Any], *words: str) -> bool:
    return any(all(word in text for word in words) for text in found["warnings"])


def test_case_02_keys_of_a_bucket_with_a_configuration_of_ones_own() -> None:
    found = migrated(OWN, KEYS)
    assert found["dropped"] == []
    assert found["options"]["config_map"] == "line-config"
    assert found["options"]["cloud"] == {
        "s3": {
            "access_key_id": "EXAMPLE",
            "secret_access_key": "example",
            "region": "eu-central-1",
            "endpoint": "http://store.example:9000",
        }
    }
    options = {key: value for key, value in found["options"].items() if key != "models"}
    spec = make_spec(**{"pvc": None, "models": None, **options})
    assert str(spec.store) == "s3 store of the configuration"
    assert not warned(found, "refuses")


def test_case_02_azure_and_google_too() -> None:
    found = migrated(OWN, AZURE)
    azure = {"azure": {"connection_string": "AccountName=a;AccountKey=b"}}
    assert found["options"]["cloud"] == azure and found["dropped"] == []
    found = migrated(OWN, {"gcp_creds_secret_name": "gcpcreds"})
    assert found["options"]["cloud"] == {"gs": {"secret_name": "gcpcreds"}}
    assert found["dropped"] == [] and not warned(found, "refuses")


def test_case_02_beside_a_volume_they_stay_variables() -> None:
    repository = {**KEYS, **AZURE, "gcp_creds_secret_name": "x", "models_volume_claim": "claim"}
    found = migrated(OWN, repository)
    assert found["dropped"] == [] and "cloud" not in found["options"]
    assert set(found["options"]["env"]) == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "S3_ENDPOINT",
        "AZURE_STORAGE_CONNECTION_STRING",
        "GOOGLE_APPLICATION_CREDENTIALS",
    }
    (volume,) = found["options"]["extra_volumes"]
    assert volume["secret"] == {"secretName": "gcpcreds"}
    assert warned(found, "env.AWS_SECRET_ACCESS_KEY", "Put it into a Secret")
    assert not warned(found, "refuses")


def test_case_02_one_bucket_is_the_store_and_another_stays_variables() -> None:
    found = migrated(OWN, {**KEYS, **AZURE})
    assert set(found["options"]["cloud"]) == {"s3"}
    assert set(found["options"]["env"]) == {"AZURE_STORAGE_CONNECTION_STRING"}


def test_case_09_a_model_in_the_root_of_a_volume() -> None:
    found = single("/models", {"models_volume_claim": "claim"})
    assert found["options"]["pvc"] == {"claim_name": "claim"}
    (model,) = found["options"]["models"]
    assert "directory" not in model
    assert warned(found, "lie in the root of the volume", "models/resnet")


def test_case_09_a_model_in_the_root_of_a_host_path() -> None:
    found = single("/models/", {"models_host_path": "/opt/host"})
    assert found["options"]["host_path"] == {"path": "/opt/host"}
    assert "directory" not in found["options"]["models"][0]
    assert warned(found, "host_path", "lie in the root of the volume")


def test_case_09_a_host_path_that_is_the_directory_of_the_model() -> None:
    found = single("/models", {"models_host_path": "/opt/models/v2"})
    assert found["options"]["host_path"] == {"path": "/opt"}
    assert found["options"]["models"][0]["directory"] == "v2"
    assert not warned(found, "Move them")


@pytest.mark.parametrize(
    ("path", "repository", "kind", "uri"),
    [
        ("gs://bucket", {}, "gs", "gs://bucket"),
        ("gs://bucket/", {}, "gs", "gs://bucket"),
        ("s3://bucket", KEYS, "s3", "s3://bucket"),
        ("az://container", AZURE, "azure", "az://container"),
    ],
)
def test_case_09_a_model_in_the_root_of_a_bucket(
    path: str, repository: dict[str, Any], kind: str, uri: str
) -> None:
    found = single(path, repository)
    assert found["options"]["cloud"][kind]["uri"] == uri
    assert "directory" not in found["options"]["models"][0]
    assert warned(found, f"cloud.{kind}.uri", "in the root of", f"{uri}/resnet")
    assert not warned(found, "refuses")


def test_case_09_a_path_that_is_not_on_the_volume() -> None:
    found = single("/ovms/resnet", {"models_volume_claim": "claim"})
    assert warned(found, "/ovms/resnet is not below /models")


def test_case_10_a_file_of_another_name_in_a_config_map() -> None:
    found = migrated({**OWN, "config_path": "/config/line.json"}, {"models_volume_claim": "c"})
    assert found["options"]["config_map"] == "line-config"
    (dropped,) = found["dropped"]
    assert dropped["path"] == "models_settings.config_path"
    assert warned(found, "the key line.json of line-config", "config.json")


@pytest.mark.parametrize("path", ["/models/ocr/config.json", "/etc/config.json"])
def test_case_10_a_config_map_that_is_not_read_is_dropped_with_a_reason(path: str) -> None:
    found = migrated({**OWN, "config_path": path}, {"models_volume_claim": "c"})
    assert "config_map" not in found["options"]
    assert "models_settings.config_configmap_name" in {item["path"] for item in found["dropped"]}


STATEFUL = {"is_stateful": True, "max_sequence_number": 0}


def test_case_66_a_stateful_model_as_the_chart_renders_it() -> None:
    found = single("/models/models/resnet", {"models_volume_claim": "c"}, **STATEFUL)
    (model,) = found["options"]["models"]
    assert model["stateful"] is True
    assert model["idle_sequence_cleanup"] is False
    assert model["low_latency_transformation"] is True
    assert "max_sequence_number" not in model
    args = ["--sequence_cleaner_poll_wait_minutes", "0"]
    assert found["options"]["extra_args"] == args
    assert found["dropped"] == [] and not warned(found, "refuses")
    made = render_config(make_spec(**found["options"]))
    assert "max_sequence_number" not in made["model_config_list"][0]["config"]


@pytest.mark.parametrize(
    ("image", "reason"),
    [("ovms:2026.3", "removed in OVMS 2026.3"), ("ovms:latest", "does not tell its release")],
)
def test_case_66_the_reason_is_about_the_release_in_use(image: str, reason: str) -> None:
    settings = {"model_name": "m", "model_path": "/models/m", "is_stateful": True}
    found = migrated(
        settings,
        {"models_volume_claim": "c"},
        image_name=image,
        server_settings={"sequence_cleaner_poll_wait_minutes": 5},
    )
    dropped = {item["path"]: item["why"] for item in found["dropped"]}
    assert reason in dropped["server_settings.sequence_cleaner_poll_wait_minutes"]


def test_case_67_ports_that_pods_cannot_have() -> None:
    found = migrated(
        {"model_name": "m", "model_path": "/models/models/m"},
        {"models_volume_claim": "c"},
        service_parameters={"rest_port": 80, "grpc_port": 9000},
    )
    assert "rest_port" not in found["options"] and found["options"]["grpc_port"] == 9000
    assert [item["path"] for item in found["dropped"]] == ["service_parameters.rest_port"]
    assert warned(found, "rest_port", "answers on 80")
    assert not warned(found, "refuses")


@pytest.mark.parametrize("values", [{}, {"fullnameOverride": "n" * 70}, {"nameOverride": "x" * 70}])
def test_case_67_names_are_cut_as_the_chart_cuts_them(values: dict[str, Any]) -> None:
    release = "a" * 62 + "-" + "b" * 7
    found = migrate_values({"image_name": IMAGE, **values}, release)
    name = found["options"]["name"]
    assert len(name) <= 63 and not name.endswith("-")
    assert not warned(found, "refuses")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"target_device": "MYRIAD"}, "MYRIAD is gone"),
        ({"plugin_config": '{"NUM_STREMS": 1}'}, "NUM_STREMS"),
        ({"shape": "1,3"}, "shape"),
    ],
)
def test_case_67_what_model_server_would_refuse_is_said(
    settings: dict[str, Any], words: str
) -> None:
    found = single("/models/models/resnet", {"models_volume_claim": "c"}, **settings)
    assert warned(found, "model_server refuses this as it is", words)
