# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python packages for the images: pinned wheels, cut to what is imported."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_images.process import BuildError, run
from edge_images.rootfs import PYTHON

#: Parts of the wheels that the stand-in does not need: other devices, other frontends,
#: headers, tools, tests. Globs below the directory of packages.
REMOVED = (
    *(f"openvino/libs/*{name}*" for name in ("intel_gpu", "intel_npu", "pytorch", "jax", "gguf")),
    *("openvino/libs/cache.json", "openvino/include", "openvino/cmake", "openvino/tools"),
    *("numpy/**/tests", "numpy/f2py", "numpy/_core/include", "numpy/_core/lib", "**/*.pyi"),
    *("bin", "**/__pycache__", "tritonclient/http", "tritonclient/utils", "ovmsclient/custom"),
)
#: The same of the wheels of a client.
REMOVED_OF_CLIENT = (
    *("numpy/**/tests", "numpy/f2py", "numpy/_core/include", "numpy/_core/lib", "**/*.pyi"),
    *("gevent/tests", "bin", "**/__pycache__"),
)
#: glibc versions whose wheels the base system can load.
_GLIBC = ("2_17", "2_27", "2_28", "2_31", "2_34", "2_35")


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        found = shutil.which(name)
        if found:
            return [found]
    raise BuildError(
        "need pip to fetch wheels: python3 -m ensurepip, or apt-get install python3-pip"
    )


def _platform_arguments() -> list[str]:
    machine = platform.machine()
    names = [f"manylinux_{version}_{machine}" for version in _GLIBC]
    names += [f"manylinux2014_{machine}"]
    return [argument for name in names for argument in ("--platform", name)]


def _arguments(requirements: Path) -> list[str]:
    return [
        "--disable-pip-version-check",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        f"--python-version={PYTHON}",
        "--implementation=cp",
        *_platform_arguments(),
        f"--requirement={requirements}",
    ]


def download(requirements: Path, target: Path) -> None:
    """Put the wheels pinned in `requirements`, for the Python of the images, into `target`.

    Raises BuildError.
    """
    run(*_pip(), "download", *_arguments(requirements), f"--dest={target}")


def install(requirements: Path, target: Path, removed: Sequence[str] = REMOVED) -> None:
    """Install the wheels pinned in `requirements` into the new directory `target`.

    Leaves out what the globs in `removed` match. Raises BuildError.
    """
    print("  fetching wheels", flush=True)
    run(*_pip(), "install", *_arguments(requirements), f"--target={target}")
    for pattern in removed:
        for path in sorted(target.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
