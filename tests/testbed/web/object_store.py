# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An S3 server over a directory: ``rclone serve s3``."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from web.fetched import from_pypi

START_SECONDS = 20.0


def rclone() -> Path:
    """Return the program."""
    return from_pypi("rclone") / "bin" / "rclone"


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
