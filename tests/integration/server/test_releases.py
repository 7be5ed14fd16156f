# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases on a real cluster, with the rights of the standard job: recorded, listed, put back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    GateError,
    InputError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage import in_use
from ansible_collections.openvino.edge.plugins.module_utils.rollout import deploy, entry, info
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.store import PvcStore
from serving import Server, play, put_models
from test_running_rights import bind

BROKEN = 9


@pytest.fixture
def server(shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any, adders: Any) -> Server:
    """A server on a claim with two good versions and a broken one, not yet deployed."""
    namespace = make_namespace(shop, "restricted")
    files = {**adders, BROKEN: {"model.xml": b"<net", "model.bin": b""}}
    put_models(shop, namespace, make_pvc(shop, namespace), files)
    account = shop.new_account()
    bind(shop, namespace, "openvino-edge-deployer", account)
    bind(shop, namespace, "openvino-edge-quick-reload", account)
    made: Server = make_server(shop, namespace, kubeconfig=str(account.kubeconfig))
    return made


def run(module: Any, options: Mapping[str, Any], *, check: bool = False) -> dict[str, Any]:
    """Run an entry point in this process."""
    rules = ArgumentSpecValidator(dict(module.ARGUMENT_SPEC), **module.SPEC_RULES)
    checked = rules.validate({key: value for key, value in options.items() if value is not None})
    assert not checked.error_messages, checked.error_messages
    result: dict[str, Any] = module.run(
        checked.validated_parameters, Runtime(check_mode=check, diff=True)
    )
    return result


def release(server: Server, version: int, **options: Any) -> dict[str, Any]:
    """Deploy one version of the model."""
    models = [{"name": "adder", "versions": [version]}]
    return run(deploy, {**server.args(), "models": models, **options})


def place(server: Server) -> dict[str, Any]:
    """Return the options that say which server is meant."""
    names = ("kubeconfig", "namespace", "name", "wait_timeout")
    return {name: server.options[name] for name in names}


def where(server: Server) -> dict[str, Any]:
    """Return the same, for a module that does not wait."""
    return {key: value for key, value in place(server).items() if key != "wait_timeout"}


def records(server: Server) -> dict[str, dict[str, Any]]:
    """Return the records by name, read with another client."""
    listed = server.cluster.core.list_namespaced_config_map(
        server.namespace, label_selector="openvino.edge/release-of=ocr"
    )
    return {item.metadata.name: json.loads(item.data["release.json"]) for item in listed.items}


def test_a_release_is_put_back_by_reload_and_not_by_a_copy(server: Server) -> None:
    assert release(server, 1, release_run="first")["release"]["verdict"] == "good"
    assert release(server, 2)["release"] == {
        "number": 2,
        "verdict": "good",
        "reason": "",
        "restores": None,
    }
    assert not release(server, 2)["changed"]
    (before,) = server.pods()
    server.until({"adder:1": "END", "adder:2": "AVAILABLE"})

    predicted = run(entry, place(server), check=True)
    assert (predicted["changed"], predicted["reload"]) == (True, "config_reload")
    server.until({"adder:1": "END", "adder:2": "AVAILABLE"})

    result = run(entry, place(server))
    assert (result["from_release"], result["to_release"]) == (2, 1)
    assert (result["reload"], result["objects"]) == ("config_reload", predicted["objects"])
    assert result["release"] == {"number": 3, "verdict": "good", "reason": "", "restores": 1}
    server.until({"adder:1": "AVAILABLE", "adder:2": "END"})
    (after,) = server.pods()
    assert after.metadata.uid == before.metadata.uid, "no pod was replaced"

    again = run(entry, place(server))
    assert (again["changed"], again["to_release"]) == (False, 3)
    assert sorted(records(server)) == ["ocr-release-1", "ocr-release-2", "ocr-release-3"]
    assert records(server)["ocr-release-1"]["run"] == "first"


def test_a_release_that_does_not_load_is_recorded_and_left(server: Server) -> None:
    release(server, 1)
    with pytest.raises(WaitError, match="adder 9"):
        release(server, BROKEN)
    found = run(info, where(server))
    assert [item["verdict"] for item in found["releases"]] == ["failed", "good"]
    assert "adder 9" in found["releases"][0]["reason"]
    assert found["last_good"] == 1

    # What the guard has put back already is proven, and noted.
    result = run(entry, place(server))
    assert (result["changed"], result["to_release"]) == (False, 1)
    assert result["release"] == {"number": 3, "verdict": "good", "reason": "", "restores": 1}

    with pytest.raises(WaitError, match="adder 9"):
        run(entry, {**place(server), "to": "2"})
    (pod,) = server.pods()
    assert server.states(pod)["adder:1"] == "AVAILABLE"
    with pytest.raises(InputError, match="there is no release '8'"):
        run(entry, {**place(server), "to": "8"})


def test_a_first_install_that_fails_is_taken_away_again(server: Server) -> None:
    with pytest.raises(GateError, match="adder 9.*removed again"):
        release(server, BROKEN, failed_install="remove")
    assert server.made() == [] and server.pods() == []
    assert records(server)["ocr-release-1"]["verdict"] == "failed"

    kept = release(server, BROKEN)
    assert kept["release"]["verdict"] == "failed"
    assert server.made()


def test_the_way_back_stays_on_the_store(server: Server) -> None:
    for version in (1, 2):
        release(server, version)
    store = PvcStore(server.namespace, "models")
    with KubeClient.from_params(server.options) as client:
        used = in_use.find_users(client, store, [("adder", 1), ("adder", 2), ("adder", BROKEN)])
        assert used[("adder", 1)] == f"release record {server.namespace}/ocr-release-1"
        assert ("adder", BROKEN) not in used
    run(deploy, {**where(server), "state": "absent"})
    assert records(server) == {}


def test_the_modules_run_in_the_worker(server: Server, tmp_path: Path) -> None:
    for version in (1, 2):
        release(server, version)
    tasks = [
        {"openvino.edge.release": place(server), "register": "back"},
        {"openvino.edge.release_info": {**where(server), "compare": [1, 2]}, "register": "found"},
    ]
    result = play(tmp_path, tasks, "{'back': back, 'found': found}")
    assert result["back"]["release"]["restores"] == 1
    assert [item["number"] for item in result["found"]["releases"]] == [3, 2, 1]
    assert result["found"]["differences"] == [
        {"path": "models[adder].versions", "before": [1], "after": [2]}
    ]
