# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a model repository of two real OCR models from a package of the Python index.

The ``rapidocr`` wheel (pinned with its hash in ``models.txt``) carries the PP-OCRv6 text
detection and recognition networks as ONNX. They become OpenVINO IR here::

    ocr_detection/1/model.{xml,bin}      where is text
    ocr_recognition/1/model.{xml,bin}    what does it say; weights in 16 bit
    ocr_recognition/2/...                the same network, weights in 32 bit (--with-version-2)

Versions that are there already are left alone, so a second run does nothing. The same package
and the same OpenVINO give the same bytes.
"""

from __future__ import annotations

import argparse
import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_ocr.cache import default_repository, ocr_cache
from edge_ocr.names import DETECTION, RECOGNITION
from edge_ocr.runtime import load_openvino

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Wanted:
    """One model version to build; ``half`` stores the weights as 16 bit floats."""

    model: str
    version: int
    onnx: str
    half: bool


VERSION_1 = (
    Wanted(DETECTION, 1, "PP-OCRv6_det_small.onnx", True),
    Wanted(RECOGNITION, 1, "PP-OCRv6_rec_small.onnx", True),
)
VERSION_2 = (Wanted(RECOGNITION, 2, "PP-OCRv6_rec_small.onnx", False),)


def installer() -> list[str]:
    """Return the command that installs packages: this Python's pip, else uv.

    Raises:
        SystemExit: neither is there.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("make_repository: neither pip nor uv is there to fetch the models")
    return [uv, "pip"]


def fetch_models(cache: Path) -> Path:
    """Unpack the pinned wheel below ``cache`` once; return its directory of ONNX files.

    Raises:
        subprocess.CalledProcessError: no download, or the wheel has another hash.
    """
    pin = next(line for line in (HERE / "models.txt").read_text().splitlines() if "==" in line)
    target = cache / pin.split()[0].replace("==", "-")
    models = target / "rapidocr" / "models"
    if models.is_dir():
        return models
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as staging:
        unpacked = Path(staging) / "package"
        options = ["--quiet", "--no-deps", "--require-hashes", "--target", str(unpacked)]
        command = [*installer(), "install", *options, "-r", str(HERE / "models.txt")]
        subprocess.run(command, check=True)
        unpacked.rename(target)
    return models


def with_stable_names(model: Any) -> Any:
    """Number the inner nodes in their order.

    OpenVINO names nodes that have no name of their own from a counter of the whole process;
    without this the bytes would depend on what was converted before.
    """
    for index, node in enumerate(model.get_ordered_ops()):
        if node.get_type_name() not in {"Parameter", "Result"}:
            node.set_friendly_name(f"{node.get_type_name()}_{index}")
    return model


def convert(wanted: Wanted, onnx: Path, target: Path) -> None:
    """Write ``target``/model.xml and model.bin; ``target`` appears at once or not at all."""
    openvino = load_openvino()
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the repository, not in it: a run that is killed must leave nothing there.
    with tempfile.TemporaryDirectory(dir=target.parents[2], prefix=".build-") as staging:
        built = Path(staging) / "version"
        built.mkdir()
        model = with_stable_names(openvino.convert_model(onnx))
        openvino.save_model(model, built / "model.xml", compress_to_fp16=wanted.half)
        for path in (built, *built.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        os.replace(built, target)


@contextmanager
def only_one(cache: Path) -> Iterator[None]:
    """Let other runs on the same cache wait."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(repository: Path, wanted: Iterable[Wanted], cache: Path) -> list[Path]:
    """Make the versions that are not there yet; return their directories."""
    places = [(item, repository / item.model / str(item.version)) for item in wanted]
    if all(target.is_dir() for _item, target in places):
        return []
    made = []
    with only_one(cache):
        models = fetch_models(cache)
        for item, target in places:
            if not target.is_dir():
                print(f"make_repository: {item.model} version {item.version}", file=sys.stderr)
                convert(item, models / item.onnx, target)
                made.append(target)
    return made


def main() -> None:
    """Build the repository and print its path."""
    parser = argparse.ArgumentParser(description="Build the OCR model repository for tests.")
    parser.add_argument("--repository", type=Path, help="default: in the cache directory")
    parser.add_argument("--with-version-2", action="store_true", help="for upgrades")
    options = parser.parse_args()
    upgraded = options.with_version_2
    repository = options.repository or default_repository(upgraded=upgraded)
    build(repository, VERSION_1 + (VERSION_2 if upgraded else ()), ocr_cache())
    print(repository)


if __name__ == "__main__":
    main()
