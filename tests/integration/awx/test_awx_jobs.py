# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job templates, run by the real ansible-runner from a private data directory as AWX makes it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from awx_jobs import Job, environment, prepare, run, run_apart, update_inventory
from awxkit import ROOT, fleet_repository, store_with

# Seen with ansible-core 2.21.5 and ansible-runner 2.4.3.
REMEMBER = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "remembers {{ remembered | default('nothing') }}"
    - ansible.builtin.set_fact:
        remembered: new
        cacheable: true
"""
FAIL = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.fail:
"""
ONE_HOST = json.dumps({"all": {"hosts": ["one"]}, "_meta": {"hostvars": {"one": {}}}})


def assert_nowhere(secret: str, job: Job) -> None:
    """Look for a secret in all that a job leaves behind."""
    files = [path for path in job.artifacts.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if secret in path.read_text()]


def test_the_main_job_on_another_machine_and_a_look_here(
    tmp_path: Path,
    shop: Any,
    make_namespace: Callable[..., str],
    make_pvc: Callable[..., Any],
    agent_image: str,
    server_image: str,
) -> None:
    model, namespace = f"tiny-{uuid.uuid4().hex[:6]}", make_namespace(shop)
    make_pvc(shop, namespace)
    project = fleet_repository(
        tmp_path / "fleet",
        model,
        edge_namespace=namespace,
        edge_image=server_image,
        edge_agent_image=agent_image,
    )
    content = shop.kubeconfig.read_text()
    key = yaml.safe_load(content)["users"][0]["user"]["client-key-data"]
    store = store_with({"kubeconfig": content}, "site", "verify")
    env = environment([ROOT / "collections"])
    inventory = update_inventory(store, "i", project, tmp_path / "update", env)
    assert key not in inventory

    there = tmp_path / "there"
    job = prepare(store, "site", project, tmp_path / "1", inventory, there, edge_undo="all")
    assert run_apart(job, env, there) == (0, 0), job.stdout()
    assert job.result() == ("successful", 0)
    told = job.stdout()
    assert "AVAILABLE" in told and "shop: done" in told, told
    assert_nowhere(key, job)

    look = prepare(store, "verify", project, tmp_path / "2", inventory, verify_wait_timeout=60)
    assert run(look, env) == 0, look.stdout()
    assert look.result() == ("successful", 0)
    (stats,) = [event for event in look.events() if event["event"] == "playbook_on_stats"]
    assert (list(stats["event_data"]["ok"]), stats["event_data"]["changed"]) == (["shop"], {})
    # The lines of the callback are events of their own, whole and without colours.
    lines = [event["stdout"] for event in look.events() if event["event"] == "verbose"]
    assert any(line.startswith("rollout: shop: done") for line in lines), lines
    assert not any("\x1b" in line for line in lines if line.startswith("rollout:"))
    assert_nowhere(key, look)


def test_a_token_is_in_no_event(tmp_path: Path, shop: Any) -> None:
    login = yaml.safe_load(shop.new_account().kubeconfig.read_text())
    token = login["users"][0]["user"]["token"]
    server = login["clusters"][0]["cluster"]
    project = fleet_repository(tmp_path / "fleet", "m", edge_namespace="default")
    auth = {"host": server["server"], "validate_certs": False}
    known = {
        "ansible_connection": "local",
        "edge_auth": auth,
        "edge_namespace": "default",
        "edge_models": [{"name": "m", "versions": [1]}],
    }
    hosts = {"all": {"hosts": ["shop"]}, "_meta": {"hostvars": {"shop": known}}}
    store = store_with({"token": token}, "verify")
    job = prepare(store, "verify", project, tmp_path / "1", json.dumps(hosts))
    assert run(job, environment([ROOT / "collections"])) == 2
    # Who it is was known, else it were a 401; what it may do is another matter.
    assert 'is forbidden: User "system:serviceaccount:' in job.stdout(), job.stdout()
    for event in job.events():
        assert token not in json.dumps(event)
    assert token not in (job.artifacts / "stdout").read_text()
    # Why the page prefers files.
    assert token in (job.artifacts / "command").read_text()


def test_a_failed_job_is_told_by_its_files_alone(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "fail.yml").write_text(FAIL)
    store = store_with({"token": "t"}, "fail")
    there = tmp_path / "there"
    job = prepare(store, "fail", project, tmp_path / "1", ONE_HOST, there)
    worker, process = run_apart(job, environment([ROOT / "collections"]), there)
    assert (worker, process) == (2, 0)
    assert job.result() == ("failed", 2)


def test_cached_facts_do_not_come_back(tmp_path: Path) -> None:
    """So nothing of a rollout may rest on them: neither what AWX has nor what a job leaves."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "remember.yml").write_text(REMEMBER)
    store = store_with({"token": "t"}, "remember")
    job = prepare(store, "remember", project, tmp_path / "1", ONE_HOST)
    settings = {"fact_cache_type": "jsonfile", "fact_cache": "fact_cache"}
    (job.folder / "env" / "settings").write_text(json.dumps(settings))
    cache = job.artifacts / "fact_cache"
    cache.mkdir(parents=True)
    (cache / "one").write_text(json.dumps({"remembered": "what AWX has put there"}))
    assert run(job, environment([ROOT / "collections"])) == 0, job.stdout()
    assert "remembers nothing" in job.stdout()
    written = {path.name: json.loads(path.read_text()) for path in cache.iterdir()}
    assert written["one"] == {"remembered": "what AWX has put there"}
    assert set(written) == {"one", "s1_one"}


def test_a_survey_takes_no_other_answers(tmp_path: Path) -> None:
    store = store_with({"token": "t"}, "site")
    with pytest.raises(ValueError, match="asks for"):
        prepare(store, "site", ROOT / "docs", tmp_path / "1", ONE_HOST, edge_src="elsewhere")
