# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option pull: what is refused, what goes into a Secret, and what goes nowhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.proxies import (
    bypassed as kube_bypassed,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.pull import (
    http as agent_http,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.helper import (
    HelperOptions,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.pull import (
    PullOptions,
    pull_from_params,
    secret_access,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import Target
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.helper_job import (
    Program,
    render_config_map,
    render_job,
    render_secret,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import PvcStore
from hypothesis import given
from hypothesis import strategies as st

STORE = PvcStore("ns", "claim")
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def options(**pull: Any) -> PullOptions:
    found = pull_from_params({"state": "present", "transport": "auto", "pull": pull})
    assert found is not None
    return found


def test_without_it_nothing_changes() -> None:
    assert pull_from_params({"state": "present", "pull": None}) is None
    assert pull_from_params({"state": "absent", "pull": {"url": "s3://b"}}) is None


@pytest.mark.parametrize(
    ("pull", "url"),
    [
        (
            {"url": "s3://bucket/a b/models/"},
            "https://s3.us-east-1.amazonaws.com/bucket/a%20b/models/m/1/x%20y",
        ),
        (
            {"url": "s3://bucket", "endpoint": "http://minio:9000/"},
            "http://minio:9000/bucket/m/1/x%20y",
        ),
        (
            {"url": "https://host:8443/models/", "manifest": "m"},
            "https://host:8443/models/m/1/x%20y",
        ),
        ({"url": "http://host", "manifest": "m"}, "http://host/m/1/x%20y"),
    ],
)
def test_where_files_are(pull: dict[str, Any], url: str) -> None:
    assert options(**pull).url_of("m/1/x y") == url


@pytest.mark.parametrize(
    ("pull", "option", "words"),
    [
        ({"url": "ftp://host/models"}, "pull.url", "http, https, s3"),
        ({"url": "models"}, "pull.url", "URL"),
        ({"url": "http://me:pass@host/x", "manifest": "m"}, "pull.url", "credentials"),
        ({"url": "http://host/x?sig=abc", "manifest": "m"}, "pull.url", "query"),
        ({"url": "http://host/x"}, "pull.manifest", "does not list"),
        ({"url": "http://host/x", "manifest": "m", "region": "r"}, "pull.endpoint", "s3://"),
        ({"url": "s3://b", "endpoint": "minio:9000"}, "pull.endpoint", "URL"),
        ({"url": "s3://b", "access_key": "a"}, "pull.secret_key", "needs it"),
        ({"url": "s3://b", "secret_key": "a"}, "pull.access_key", "needs it"),
        ({"url": "s3://b", "username": "a"}, "pull.username", "not used"),
        ({"url": "http://h", "manifest": "m", "access_key": "a"}, "pull.access_key", "not used"),
        ({"url": "http://h", "manifest": "m", "password": "a"}, "pull.username", "needs it"),
        (
            {"url": "s3://b", "access_key": "a", "secret_key": "b", "secret_name": "s"},
            "pull.access_key",
            "already",
        ),
        (
            {"url": "http://h", "manifest": "m", "bearer_token": "a\nb"},
            "pull.bearer_token",
            "control",
        ),
        ({"url": "s3://b", "http_proxy": "socks5://p"}, "pull.http_proxy", "http://"),
        ({"url": "s3://b", "ca_cert": "/nowhere"}, "pull.ca_cert", "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused(pull: dict[str, Any], option: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        options(**pull)
    assert caught.value.option == option
    assert "pass@" not in str(caught.value)


def test_the_exec_transport_cannot_pull() -> None:
    with pytest.raises(InputError, match="exec"):
        pull_from_params({"transport": "exec", "pull": {"url": "s3://b"}})


def test_a_file_without_certificates_is_no_ca(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("nothing")
    with pytest.raises(InputError, match="no PEM"):
        options(url="s3://b", ca_cert=str(tmp_path / "ca"))
    (tmp_path / "ca").write_text(PEM)
    assert options(url="s3://b", ca_cert=str(tmp_path / "ca")).via["ca_pem"] == PEM


SECRETS = {
    "access_key": "secret-AK",
    "secret_key": "secret-SK",
    "session_token": "secret-ST",
    "http_proxy": "http://me:secret-PP@proxy:3128",
}


def test_given_credentials_are_in_their_secret_and_nowhere_else() -> None:
    found = options(url="s3://b", **SECRETS)
    assert found.secret is not None
    assert "secret-" not in json.dumps(found.via)
    assert "secret-" not in repr(found)
    helper = HelperOptions("image", "image", secret=found.secret)
    program = Program("image", ("run",), {}, {"agent.py": "code"})
    job = render_job("id", Target(STORE), helper, program)
    job["metadata"]["uid"] = "the-uid"
    assert "secret-" not in json.dumps(job)
    assert "secret-" not in json.dumps(render_config_map("id", job, program))
    made = render_secret("id", job, found.secret)
    assert made["kind"] == "Secret"
    assert made["metadata"]["ownerReferences"][0]["uid"] == "the-uid"
    decoded = {name: base64.b64decode(value).decode() for name, value in made["data"].items()}
    assert decoded == SECRETS


def test_an_existing_secret_is_mounted_with_the_keys_that_are_read() -> None:
    found = options(url="s3://b", secret_name="mine")
    helper = HelperOptions("image", "image", secret=found.secret)
    job = render_job("id", Target(STORE), helper, Program("image", ("run",), {}, {}))
    spec = job["spec"]["template"]["spec"]
    volume = next(item for item in spec["volumes"] if item["name"] == "secret")
    source = volume["projected"]["sources"][0]["secret"]
    assert (source["name"], source["optional"]) == ("mine", True)
    assert {item["key"] for item in source["items"]} >= {"AWS_SECRET_ACCESS_KEY", "bearer_token"}
    mounts = spec["containers"][0]["volumeMounts"]
    assert {"name": "secret", "mountPath": "/edge-secret", "readOnly": True} in mounts


def test_only_given_credentials_need_a_right() -> None:
    def wanted(**pull: Any) -> list[str]:
        options = pull_from_params({"state": "present", "pull": pull})
        return [str(item) for item in secret_access(STORE, options.secret if options else None)]

    assert wanted(url="s3://b") == wanted(url="s3://b", secret_name="mine") == []
    assert len(wanted(url="s3://b", access_key="a", secret_key="b")) == 1


def test_the_spec_hides_what_is_secret_and_wants_one_source() -> None:
    base = {"namespace": "ns", "pvc": {"claim_name": "c"}}
    validator = ArgumentSpecValidator(dict(entry.ARGUMENT_SPEC), **entry.SPEC_RULES)
    assert "src, pull" in str(validator.validate(base).error_messages)
    both = {**base, "src": "/x", "pull": {"url": "s3://b"}}
    assert "mutually exclusive" in str(validator.validate(both).error_messages)
    given_ = {**base, "pull": {"url": "s3://b", **SECRETS}}
    result = validator.validate(given_)
    assert not result.error_messages
    assert set(SECRETS.values()) <= set(result._no_log_values)


HOSTS = st.sampled_from(["a.example.com", "example.com", "10.1.2.3", "fd00::1", "xexample.com"])
ENTRIES = st.sampled_from(
    ["*", "example.com", ".example.com", "*.example.com", "10.0.0.0/8", "10.1.2.3", "[fd00::1]:80"]
    + ["fd00::/8", "example.com:8080", "a.example.com:80", "fd00::1", "bad/x", "10.1.2.3:443"]
)


@given(HOSTS, st.sampled_from([80, 443, 8080]), st.lists(ENTRIES))
def test_no_proxy_means_the_same_in_the_pod_as_on_the_controller(
    host: str, port: int, entries: list[str]
) -> None:
    text = ", ".join(entries)
    assert agent_http.bypassed(host, port, text) == kube_bypassed(host, port, text)
