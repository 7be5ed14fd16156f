# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of docs/openshift.md that logs in with user and password, as a play.

OpenShift's OAuth flow stands before a real API server, whose tokens it gives: those of a
ServiceAccount with the shipped rights. A token is bound to a Secret and ends with it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from accounts import GROUP
from jobkit import ROOT, run_playbook
from kubernetes import client as k8s
from oauth_front import TOKENS, Front, running
from rights import rules, shipped

PASSWORD = f"pass word {uuid.uuid4().hex}"


@pytest.fixture
def front(shop: Any, space: Callable[..., str], claim: Callable[..., None]) -> Iterator[Front]:
    namespace = space(shop, "restricted")
    claim(shop, namespace)
    name = f"edge-test-{uuid.uuid4().hex[:6]}"
    meta = {"metadata": {"name": name}}
    core, rbac = shop.core, shop.rbac
    core.create_namespaced_service_account(namespace, meta)
    account = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    here = {"roleRef": {"apiGroup": GROUP, "kind": "Role", "name": name}}
    wide = {"roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}}
    rbac.create_namespaced_role(namespace, {**meta, "rules": rules(shipped("deployer"))})
    rbac.create_namespaced_role_binding(namespace, {**meta, **here, "subjects": [account]})
    rbac.create_cluster_role({**meta, "rules": rules(shipped("cluster-reader"))})
    rbac.create_cluster_role_binding({**meta, **wide, "subjects": [account]})
    bound: dict[str, str] = {}

    def issue() -> str:
        secret = core.create_namespaced_secret(namespace, {"metadata": {"generateName": "token-"}})
        about = {"kind": "Secret", "apiVersion": "v1", "name": secret.metadata.name}
        body = {"spec": {"expirationSeconds": 3600, "boundObjectRef": about}}
        made = core.create_namespaced_service_account_token(name, namespace, body)
        bound[made.status.token] = secret.metadata.name
        return str(made.status.token)

    def revoke(token: str) -> None:
        core.delete_namespaced_secret(bound[token], namespace)

    made = Front(PASSWORD, issue, revoke, namespace)
    with running(made, shop):
        yield made
    rbac.delete_cluster_role_binding(name)
    rbac.delete_cluster_role(name)


def example() -> dict[str, Any]:
    """Return the options of the first example of the page."""
    text = (ROOT / "docs" / "openshift.md").read_text(encoding="utf-8")
    block = re.findall(r"```yaml\n(.*?)```", text, re.S)[0]
    (task,) = yaml.safe_load(block)
    options: dict[str, Any] = task["openvino.edge.model_server"]
    return options


def accepted(shop: Any, token: str) -> bool:
    """Ask the API server whether it takes a token."""
    review = k8s.AuthenticationV1Api(shop.api).create_token_review({"spec": {"token": token}})
    return bool(review.status.authenticated)


def test_the_example_logs_in_and_out(
    shop: Any, front: Front, tmp_path: Path, job_images: dict[str, str]
) -> None:
    given = {"host": front.url, "namespace": front.namespace, "image": job_images["edge_image"]}
    task = {"openvino.edge.model_server": {**example(), **given}}
    play = tmp_path / "play.yml"
    play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    hosts: dict[str, dict[str, Any]] = {"shop": {}}
    wrong = run_playbook(tmp_path, play, hosts, {"vault_password": "wrong"}, "-vvv")
    (failed,) = wrong.of("shop", "failed")
    assert failed.message.startswith("password: the OAuth server does not accept the user name")
    assert front.given == []

    secret = {"vault_password": PASSWORD}
    for changed in (1, 0):
        done = run_playbook(tmp_path, play, hosts, secret, "-vvv")
        assert done.code == 0 and done.changed == {"shop": changed}, done.text
        assert PASSWORD not in done.text and front.given[-1] not in done.text
    assert front.asked == ["/oauth/authorize", *["/oauth/authorize", TOKENS] * 2]
    assert len(set(front.given)) == 2
    # The API server remembers for some seconds that a token is good.
    shop.wait_until(lambda: not any(accepted(shop, token) for token in front.given), "ended", 30)
