# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bucket as the source of models: what pods get, what is refused, and where secrets go."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import Change, render_diff
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import cloud as cloud_lint
from ansible_collections.openvino.edge.plugins.module_utils.server.entry import (
    ARGUMENT_SPEC,
    SPEC_RULES,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.changes import real
from ansible_collections.openvino.edge.plugins.module_utils.server.render import cloud
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import ClusterFacts
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import MakeSpec, make_spec

KEYS = {"access_key_id": "AKIDEDGE", "secret_access_key": "s3cr3t/of+the=edge"}
S3 = {"uri": "s3://models/ocr", "endpoint": "http://minio.storage.svc:9000", **KEYS}
AZURE_TEXT = "AccountName=edge;AccountKey=c2VjcmV0;BlobEndpoint=http://blobs.azure.svc:10000/edge"
KEY_FILE = {"type": "service_account", "client_email": "a@b", "private_key": "-----BEGIN"}
SALT = "5a" * 32


def cloudy(**options: Any) -> Any:
    """Return the spec of a server with a cloud store, and options of the server."""
    kinds = {key: options.pop(key) for key in ("s3", "gs", "azure") if key in options}
    return make_spec(pvc=None, cloud=kinds, **options)


def objects(spec: Any, **facts: Any) -> dict[str, dict[str, Any]]:
    found = render_objects(spec, ClusterFacts(**{"salt": SALT, **facts}))
    return {item["kind"]: item for item in found}


def container(spec: Any) -> dict[str, Any]:
    pod = objects(spec)["Deployment"]["spec"]["template"]["spec"]
    first: dict[str, Any] = pod["containers"][0]
    return first


def env(spec: Any) -> dict[str, Any]:
    return {
        item["name"]: item.get("value", item.get("valueFrom")) for item in container(spec)["env"]
    }


def reference(name: str, key: str, **more: Any) -> dict[str, Any]:
    return {"secretKeyRef": {"name": name, "key": key, **more}}


def refused(**options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        spec = cloudy(**options)
        cloud_lint.check(spec, lambda text: None)
    for secret in (*KEYS.values(), "c2VjcmV0"):
        assert secret not in str(caught.value)
    return caught.value


def test_models_are_in_the_bucket() -> None:
    config = render_config(cloudy(s3=S3))
    assert config["model_config_list"][0]["config"]["base_path"] == "s3://models/ocr/detection"
    config = render_config(cloudy(gs={"uri": "gs://models/"}))
    assert config["model_config_list"][0]["config"]["base_path"] == "gs://models/detection"


def test_given_keys_are_in_a_secret_and_nowhere_else() -> None:
    made = objects(cloudy(s3=S3))
    secret = made.pop("Secret")
    assert secret["metadata"]["name"] == "ocr-credentials"
    assert secret["type"] == "Opaque"
    data = {key: base64.b64decode(text).decode() for key, text in secret["data"].items()}
    assert data == {
        "AWS_ACCESS_KEY_ID": KEYS["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": KEYS["secret_access_key"],
        "salt": SALT,
    }
    rest = json.dumps(made)
    for value in (*KEYS.values(), SALT, *secret["data"].values()):
        assert value not in rest
    assert env(cloudy(s3=S3)) == {
        "AWS_ACCESS_KEY_ID": reference("ocr-credentials", "AWS_ACCESS_KEY_ID"),
        "AWS_SECRET_ACCESS_KEY": reference("ocr-credentials", "AWS_SECRET_ACCESS_KEY"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
        "S3_ENDPOINT": "http://minio.storage.svc:9000",
    }
    assert "models" not in [item["name"] for item in container(cloudy(s3=S3))["volumeMounts"]]


@given(
    # The marks keep it from being a word that the objects have anyway.
    key=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=12).map(
        lambda text: f"!{text}!"
    ),
    path=st.lists(st.from_regex(r"[a-z0-9_]+", fullmatch=True), max_size=3),
)
def test_no_key_leaves_its_secret(key: str, path: list[str]) -> None:
    uri = "/".join(["s3://models", *path])
    spec = cloudy(s3={**S3, "uri": uri, "secret_access_key": key})
    made = objects(spec)
    data = made.pop("Secret")["data"]
    assert base64.b64decode(data["AWS_SECRET_ACCESS_KEY"]).decode() == key
    text = json.dumps(made, ensure_ascii=False)
    assert json.dumps(key, ensure_ascii=False)[1:-1] not in text
    assert data["AWS_SECRET_ACCESS_KEY"] not in text
    assert key not in repr(spec)
    config = render_config(spec)
    assert config["model_config_list"][0]["config"]["base_path"] == f"{uri}/detection"


def test_an_existing_secret_is_only_named() -> None:
    spec = cloudy(s3={"uri": "s3://models", "region": "eu-central-1", "secret_name": "s3-login"})
    assert "Secret" not in objects(spec)
    assert env(spec)["AWS_SESSION_TOKEN"] == reference(
        "s3-login", "AWS_SESSION_TOKEN", optional=True
    )
    assert env(spec)["AWS_REGION"] == "eu-central-1"
    assert "S3_ENDPOINT" not in env(spec)


def test_google_reads_a_file() -> None:
    spec = cloudy(gs={"uri": "gs://models/ocr", "credentials": KEY_FILE})
    made = objects(spec)
    volumes = made["Deployment"]["spec"]["template"]["spec"]["volumes"]
    items = [{"key": "gcp-creds.json", "path": "gcp-creds.json"}]
    source = {"secretName": "ocr-credentials", "items": items}
    assert {"name": "credentials", "secret": source} in volumes
    mount = {"name": "credentials", "mountPath": "/credentials", "readOnly": True}
    assert mount in container(spec)["volumeMounts"]
    assert env(spec) == {"GOOGLE_APPLICATION_CREDENTIALS": "/credentials/gcp-creds.json"}
    text = base64.b64decode(made["Secret"]["data"]["gcp-creds.json"])
    assert json.loads(text) == KEY_FILE


def test_public_buckets_need_nothing() -> None:
    spec = cloudy(gs={"uri": "gs://models"})
    assert "Secret" not in objects(spec)
    assert "env" not in container(spec)


def test_azure_has_a_connection_string() -> None:
    spec = cloudy(azure={"uri": "az://models/ocr", "connection_string": AZURE_TEXT})
    name = "AZURE_STORAGE_CONNECTION_STRING"
    assert env(spec) == {name: reference("ocr-credentials", name)}


SAS = "BlobEndpoint=https://edge.blob.core.windows.net/;SharedAccessSignature=sv=2024&sig=a%3D"
ACCOUNT = "DefaultEndpointsProtocol=https;AccountName=edge;AccountKey=YQ==;EndpointSuffix=x.cn"


@pytest.mark.parametrize("text", [AZURE_TEXT, ACCOUNT, SAS, SAS.replace("Blob", "File")])
@pytest.mark.parametrize(
    ("uri", "base_path"),
    [
        ("az://models", "az://models/detection"),
        ("az://models/", "az://models/detection"),
        ("az://models/ocr/plant-1/", "az://models/ocr/plant-1/detection"),
        ("azfs://share", "azfs://share/detection"),
        ("azfs://share/ocr", "azfs://share/ocr/detection"),
    ],
)
def test_blobs_and_file_shares(uri: str, base_path: str, text: str) -> None:
    options = {"uri": uri, "connection_string": text}
    if "AccountName" not in text and ("File" in text) != uri.startswith("azfs"):
        error = refused(azure=options)
        assert error.option == "cloud.azure.connection_string" and "sig=" not in str(error)
        assert f"no {'File' if uri.startswith('azfs') else 'Blob'}Endpoint" in str(error)
        return
    spec = cloudy(azure=options, models=[{"name": "detection", "versions": [1]}])
    (entry,) = render_config(spec)["model_config_list"]
    assert entry["config"]["base_path"] == base_path
    made = objects(spec)
    kept = made["Secret"]["data"]["AZURE_STORAGE_CONNECTION_STRING"]
    assert base64.b64decode(kept).decode() == text
    assert "AccountKey" not in json.dumps(made["Deployment"])


def test_room_for_downloads() -> None:
    volumes = objects(cloudy(s3=S3))["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert {"name": "tmp", "emptyDir": {"sizeLimit": "8Gi"}} in volumes
    assert cloudy(s3=S3, tmp_size="1Gi").tmp_size == "1Gi"
    assert make_spec().tmp_size == "256Mi"


def test_no_pod_waits_for_a_bucket() -> None:
    strategy = objects(cloudy(s3=S3))["Deployment"]["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


# -- rotation -----------------------------------------------------------------------------


def mark(spec: Any, **facts: Any) -> str:
    metadata = objects(spec, **facts)["Deployment"]["spec"]["template"]["metadata"]
    return str(metadata["annotations"][cloud.CREDENTIALS_ANNOTATION])


def test_other_keys_roll_the_pods_and_the_mark_needs_the_salt() -> None:
    other = cloudy(s3={**S3, "secret_access_key": "rotated"})
    assert mark(cloudy(s3=S3)) != mark(other)
    assert mark(cloudy(s3=S3)) == mark(cloudy(s3=S3))
    assert mark(cloudy(s3=S3), salt="00" * 32) != mark(cloudy(s3=S3))


def test_an_existing_secret_rolls_them_by_its_version() -> None:
    secret = {"metadata": {"name": "s", "resourceVersion": "812"}, "data": {}}
    spec = cloudy(azure={"uri": "az://models", "secret_name": "s"})
    assert mark(spec, credentials=cloud.mark_of_existing(secret)) == "812"


def test_the_salt_survives_and_a_damaged_one_does_not() -> None:
    data = cloud.secret_data({"a": "b"}, SALT)
    assert cloud.salt_of({"data": data}) == SALT
    for text in ("###", base64.b64encode(b"\xff").decode(), ""):
        assert cloud.salt_of({"data": {"salt": text}}) == ""
    assert cloud.salt_of(None) == ""
    assert len(cloud.new_salt()) == 64


@given(
    before=st.dictionaries(st.sampled_from("abc"), st.binary(min_size=4), max_size=3),
    after=st.dictionaries(st.sampled_from("abc"), st.binary(min_size=4), max_size=3),
)
def test_no_diff_shows_a_value(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    def secret(data: dict[str, bytes]) -> dict[str, Any]:
        encoded = {key: base64.b64encode(value).decode() + "#" for key, value in data.items()}
        text = json.dumps(encoded, sort_keys=True)
        last = {"kubectl.kubernetes.io/last-applied-configuration": text}
        metadata = {"name": "x", "annotations": last}
        return {"kind": "Secret", "metadata": metadata, "data": encoded}

    change = Change("Secret", "x", "edge", "updated", secret(before), secret(after))
    shown = real(change)
    assert shown.action == ("unchanged" if before == after else "updated")
    text = json.dumps(render_diff([replace(shown, action="updated")]))
    assert "#" not in text
    # What was last applied holds the keys, too.
    assert ("(hidden, changed)" in text) == (before != after)
    assert "sha256" not in text


# -- refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "given_options", "option", "says"),
    [
        ("s3", {"endpoint": "https://minio:9000"}, "cloud.s3.endpoint", "plain HTTP"),
        ("s3", {"endpoint": "http://minio:9000/path"}, "cloud.s3.endpoint", "http://HOST:PORT"),
        ("s3", {"endpoint": "http://user:pw@minio:9000"}, "cloud.s3.endpoint", "HOST:PORT"),
        ("s3", {"endpoint": "minio:99999"}, "cloud.s3.endpoint", "HOST:PORT"),
        ("s3", {"endpoint": None}, "cloud.s3.region", "AWS"),
        ("s3", {"region": "eu central"}, "cloud.s3.region", "region"),
        ("s3", {"uri": "s3://minio:9000/models"}, "cloud.s3.uri", "cloud.s3.endpoint"),
        ("s3", {"uri": "gs://models"}, "cloud.s3.uri", "begin with s3://"),
        ("s3", {"uri": "s3://models/../x"}, "cloud.s3.uri", "'..'"),
        ("s3", {"uri": "s3://models//x"}, "cloud.s3.uri", "empty part"),
        ("s3", {"uri": "s3://models/a b"}, "cloud.s3.uri", "space"),
        ("s3", {"uri": "s3://Models"}, "cloud.s3.uri", "not a name of a bucket"),
        ("s3", {"uri": "s3://models?x=1"}, "cloud.s3.uri", "more than a bucket"),
        ("s3", {"secret_access_key": "key\n"}, "cloud.s3.secret_access_key", "control"),
        ("azure", {"uri": "azure://models"}, "cloud.azure.uri", "begin with az://"),
        ("azure", {"uri": "abfs://models"}, "cloud.azure.uri", "begin with az://"),
        ("azure", {"uri": "https://edge.blob.core.windows.net/m"}, "cloud.azure.uri", "az://"),
        ("azure", {"uri": "az://models@edge/x"}, "cloud.azure.uri", "more than a bucket"),
        ("azure", {"connection_string": "hello"}, "cloud.azure.connection_string", "connection"),
        (
            "azure",
            {"connection_string": "UseDevelopmentStorage=true"},
            "cloud.azure.connection_string",
            "not a connection string",
        ),
        ("gs", {"credentials": '"text"'}, "cloud.gs.credentials", "key file"),
        (
            "gs",
            {"credentials": {"type": "service_account", "private_key": "x"}},
            "cloud.gs.credentials",
            "client_email",
        ),
    ],
)
def test_values_that_cannot_be(
    kind: str, given_options: dict[str, Any], option: str, says: str
) -> None:
    base: dict[str, dict[str, Any]] = {
        "s3": S3,
        "gs": {"uri": "gs://models"},
        "azure": {"uri": "az://models", "connection_string": AZURE_TEXT},
    }
    error = refused(**{kind: {**base[kind], **given_options}})
    assert error.option == option
    assert says in str(error)


def test_keyless_requests_to_another_store_would_go_to_a_host_of_the_buckets_name() -> None:
    error = refused(s3={"uri": "s3://models", "endpoint": "minio:9000"})
    assert error.option == "cloud.s3.endpoint"
    assert "BUCKET.ENDPOINT" in str(error)


def test_a_token_alone() -> None:
    options = {"uri": "s3://models", "region": "x", "secret_name": "s", "session_token": "t"}
    assert refused(s3=options).option == "cloud.s3.session_token"


@pytest.mark.parametrize(
    "cloud_options",
    [
        {},
        {"s3": S3, "gs": {"uri": "gs://models"}},
        {"s3": {"uri": "s3://models", "region": "x", "access_key_id": "only"}},
        {"azure": {"uri": "az://models"}},
        {"s3": {**S3, "secret_name": "both"}},
    ],
)
def test_what_ansible_itself_refuses(cloud_options: dict[str, Any]) -> None:
    task = {"name": "o", "namespace": "e", "models": [], "cloud": cloud_options}
    checked = ArgumentSpecValidator(dict(ARGUMENT_SPEC), **SPEC_RULES).validate(task)
    assert checked.error_messages


def test_sources_exclude_each_other(spec: MakeSpec) -> None:
    task = {
        "name": "o",
        "namespace": "e",
        "models": [],
        "cloud": {"s3": S3},
        "pvc": {"claim_name": "m"},
    }
    checked = ArgumentSpecValidator(dict(ARGUMENT_SPEC), **SPEC_RULES).validate(task)
    assert "mutually exclusive" in checked.error_messages[0]


# -- proxies and variables ----------------------------------------------------------------

PROXIES = {"https_proxy": "http://proxy.corp:3128"}


def test_a_proxy_and_a_store_inside() -> None:
    error = refused(s3=S3, proxies=PROXIES)
    assert error.option == "proxies.https_proxy"
    assert "inside the cluster" in str(error)
    assert "does not look at no_proxy" in str(error)


@pytest.mark.parametrize(
    ("endpoint", "no_proxy", "fine"),
    [
        ("10.1.2.3:9000", ["10.0.0.0/8"], False),
        ("s3.plant.example:9000", [".plant.example"], False),
        ("s3.plant.example:9000", ["plant.example"], False),
        ("s3.plant.example:9000", ["*"], False),
        ("minio:9000", [], False),
        ("s3.plant.example:9000", ["ant.example"], True),
        ("s3.plant.example:9000", ["10.0.0.0/8"], True),
        ("11.1.2.3:9000", ["10.0.0.0/8"], True),
    ],
)
def test_a_proxy_that_no_proxy_would_keep_away(
    endpoint: str, no_proxy: list[str], fine: bool
) -> None:
    options = {"s3": {**S3, "endpoint": endpoint}, "proxies": {**PROXIES, "no_proxy": no_proxy}}
    if fine:
        cloud_lint.check(cloudy(**options), lambda text: None)
    else:
        assert refused(**options).option == "proxies.https_proxy"


def test_a_proxy_for_aws_itself_is_fine() -> None:
    options = {"uri": "s3://models", "region": "eu-central-1", **KEYS}
    cloud_lint.check(cloudy(s3=options, proxies=PROXIES), lambda text: None)


def test_a_proxy_without_a_port_in_a_variable() -> None:
    options = {"uri": "s3://models", "region": "eu-central-1", **KEYS}
    error = refused(s3=options, env={"HTTP_PROXY": "http://proxy.corp"})
    assert error.option == "env.HTTP_PROXY"
    assert "without a port the server crashes" in str(error)


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "S3_ENDPOINT", "AWS_PROFILE"])
def test_variables_that_the_option_decides_on(name: str) -> None:
    assert refused(s3=S3, env={name: "x"}).option == f"env.{name}"


def test_azure_and_a_proxy_is_a_warning() -> None:
    said: list[str] = []
    options = {"uri": "az://models", "connection_string": AZURE_TEXT}
    cloud_lint.check(cloudy(azure=options, proxies=PROXIES), said.append)
    assert "blobs.azure.svc" in said[0]
    assert "c2VjcmV0" not in said[0]


@given(st.text(), st.text())
def test_no_proxy_lists_of_any_text(host: str, no_proxy: str) -> None:
    cloud_lint.bypassed(host, no_proxy)
    assert cloud_lint.bypassed("s3.plant.example", f"{no_proxy},.plant.example")


# -- an existing Secret -------------------------------------------------------------------


def test_an_existing_secret_is_checked() -> None:
    store = cloudy(s3={"uri": "s3://models", "region": "x", "secret_name": "login"}).store
    with pytest.raises(InputError) as caught:
        cloud.check_existing(store, None)
    assert caught.value.option == "cloud.s3.secret_name"
    assert "AWS_ACCESS_KEY_ID" in str(caught.value)
    with pytest.raises(InputError) as caught:
        cloud.check_existing(store, {"data": {"AWS_ACCESS_KEY_ID": "eA==", "other": "eA=="}})
    assert "no key AWS_SECRET_ACCESS_KEY" in str(caught.value)
    assert "it has AWS_ACCESS_KEY_ID, other" in str(caught.value)
    cloud.check_existing(
        store, {"data": {"AWS_ACCESS_KEY_ID": "eA==", "AWS_SECRET_ACCESS_KEY": "eA=="}}
    )
