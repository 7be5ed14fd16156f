# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that speak the protocols of Azure's blobs and Google's buckets, filled by rclone.

Azurite comes from npm, the other from PyPI, each once into the cache. Azurite needs Node.js.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from web.object_store import free_port, rclone, wait_for

REQUIREMENTS = Path(__file__).with_name("requirements-gcs.txt")
# 3.36 and later want Node.js 21 or newer.
AZURITE = "azurite@3.35.0"
ACCOUNT = "edge"


def _cache(*parts: str) -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root, "openvino-edge", *parts)


def _azurite() -> Path:
    """Return the program for blobs, installed once from npm."""
    target = _cache("azurite", AZURITE.partition("@")[2])
    program = target / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    if not program.exists():
        partial = target.with_name(f"partial-{os.getpid()}")
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        subprocess.run([*command, "--prefix", str(partial), AZURITE], check=True)
        shutil.rmtree(target, ignore_errors=True)
        partial.replace(target)
    return program


def _google() -> Path:
    """Return the directory of the packages, installed once from PyPI."""
    mark = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    target = _cache("gcs", f"{mark}-{sys.version_info.minor}")
    if not target.exists():
        partial = target.with_name(f"partial-{os.getpid()}")
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
        subprocess.run([*command, "-t", str(partial), "-r", str(REQUIREMENTS)], check=True)
        partial.replace(target)
    return target


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
        command = ["node", str(_azurite()), "--blobHost", address, "--blobPort", str(port)]
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
    environment = {**os.environ, "PYTHONPATH": str(_google())}
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
