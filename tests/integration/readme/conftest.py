# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who has the tarball, a clean environment and two clusters, and follows the README."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from userkit import FIVE_MINUTES, LAB, RAW, ROOT, User, below


def printed(*command: str) -> str:
    """Return the last line that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> str:
    return printed(str(ROOT / "tools" / "build"), str(tmp_path_factory.mktemp("dist")))


@pytest.fixture(scope="session")
def user_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """C(PATH) with a clean environment of requirements/user.txt, and kubectl."""
    programs = tmp_path_factory.mktemp("bin")
    kubectl = shutil.which("kubectl") or f"{printed(str(LAB), 'build')}/kubectl"
    (programs / "kubectl").symlink_to(kubectl)
    (programs / "uv").symlink_to(Path(sys.executable).parent / "uv")
    environment = printed(str(ROOT / "tools" / "bootstrap"), "user")
    return f"{environment}/bin:{programs}:/usr/local/bin:/usr/bin:/bin"


MakeUser = Callable[..., User]


@pytest.fixture
def make_user(
    tmp_path: Path,
    shop: Any,
    factory: Any,
    tarball: str,
    user_path: str,
    agent_image: str,
    server_image: str,
) -> Iterator[MakeUser]:
    """``make_user()`` -> someone who has installed the tarball; all that he makes goes."""
    sites = {"shop-north": shop, "shop-south": factory}
    if shop.kubeconfig == factory.kubeconfig:
        del sites["shop-south"]
    mark = uuid.uuid4().hex[:6]
    namespace, account = f"readme-{mark}", f"deployer-{mark}"

    def make() -> User:
        swaps = {
            "edge-models": namespace,
            "WHO=edge-deployer": f"WHO={account}",
            "create token edge-deployer": f"create token {account}",
            "set-credentials edge-deployer": f"set-credentials {account}",
            "install openvino.edge": f"install {tarball}",
            "pip install -r": "uv pip install --offline --python $(command -v python) -r",
            RAW: str(ROOT),
        }
        someone = User(tmp_path, user_path, sites, swaps)
        someone.settings(
            edge_image=server_image, edge_agent_image=agent_image, verify_stuck_after=10
        )
        install = below("README.md", FIVE_MINUTES)[0]
        someone.sh(install.text)
        return someone

    yield make
    for cluster in sites.values():
        _forget(cluster.core.delete_namespace, namespace)
        _forget(cluster.rbac.delete_cluster_role_binding, account)


def _forget(delete: Callable[[str], Any], name: str) -> None:
    try:
        delete(name)
    except ApiException as error:
        assert error.status == 404


@pytest.fixture
def only_lab() -> None:
    if os.environ.get("EDGE_KUBECONFIG"):
        pytest.skip("changes nodes of the lab")
