# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get what others have made: kubectl and Helm, built from Go modules, and Ansible collections."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def cache() -> Path:
    """Return the cache directory outside the tree (``EDGE_CACHE``)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("EDGE_CACHE") or f"{base}/openvino-edge")


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


def kubectl() -> Path:
    """Return the path of kubectl, built once from ``tests/testbed/bench/kubectl``."""
    return _built("kubectl")


def helm() -> Path:
    """Return the path of Helm, built once from ``tests/testbed/bench/helm``."""
    return _built("helm")


def _built(name: str) -> Path:
    source = HERE / name
    key = _digest(source / "go.mod", source / "go.sum", source / "main.go")
    binary = cache() / "bin" / f"{name}-{key}" / name
    if not binary.exists():
        sys.stderr.write(f"building {name} from its Go module (once)\n")
        binary.parent.mkdir(parents=True, exist_ok=True)
        partial = binary.with_suffix(".part")
        command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(partial), "."]
        subprocess.run(command, cwd=source, check=True, env={**os.environ, "CGO_ENABLED": "0"})
        partial.replace(binary)
    return binary


def kubernetes_core() -> Path:
    """Return a collections path that holds kubernetes.core, unpacked once from PyPI."""
    return collection("kubernetes.core", HERE / "requirements-peers.txt")


def collection(name: str, requirements: Path) -> Path:
    """Return a collections path that holds a collection, unpacked once.

    Args:
        name: as in C(NAMESPACE.NAME).
        requirements: pins a version of the package C(ansible), whose wheel has the collection.
    """
    inside = f"ansible_collections/{name.replace('.', '/')}/"
    target = cache() / "peers" / f"collections-{_digest(requirements)}"
    if not (target / inside).exists():
        sys.stderr.write(f"getting {name} from the ansible wheel (once)\n")
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder]
            subprocess.run([*command, "--require-hashes", "-r", str(requirements)], check=True)
            wheel = next(Path(folder).glob("ansible-*.whl"))
            _unpack(wheel, inside, target)
    return target


def _unpack(wheel: Path, inside: str, target: Path) -> None:
    partial = target.with_suffix(".part")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(inside)]
        archive.extractall(partial, names)
    partial.replace(target)
