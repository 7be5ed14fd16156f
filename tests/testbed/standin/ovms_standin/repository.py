# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model repository as OVMS reads it: version names by stoll, files by extension.

Sources: readAvailableVersions in src/modelmanager.cpp, fetchModelFilepaths in
src/modelinstance.cpp, src/filesystem/localfilesystem.cpp.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ovms_standin.logs import MANAGER
from ovms_standin.status import PATH_INVALID, StatusError

CLOUD_PREFIXES = ("s3://", "gs://", "az://", "azfs://")
_INT64_MAX = 2**63 - 1
#: strtoll: white space, one sign, decimal digits; what follows them is ignored.
_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
#: First match wins; a model is there when every suffix of a row is.
_FORMATS = (
    (".xml", ".bin"),
    (".onnx",),
    (".pdmodel", ".pdiparams"),
    (".pb",),
    (".tflite",),
)
_SINGLE_FILE_SUFFIXES = {".xml", ".onnx", ".pdmodel", ".pb", ".tflite"}


@dataclass(frozen=True)
class ModelFiles:
    """The files that make one version: the one OpenVINO opens first, then its companions."""

    main: Path
    others: tuple[Path, ...] = ()


def stoll(text: str) -> int:
    """C++ `std::stoll`: the number at the start of `text`.

    Raises ValueError when there is none, OverflowError outside of 64 bits.
    """
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError(text)
    value = int(match.group(1))
    if not -_INT64_MAX - 1 <= value <= _INT64_MAX:
        raise OverflowError(text)
    return value


def is_path_escaped(path: str) -> bool:
    """Whether OVMS refuses the path for its `..` parts."""
    return path.startswith("../") or path.endswith("/..") or "/../" in path


def _is_directory(base: str) -> bool:
    try:
        os.stat(base)
    except FileNotFoundError:
        return False
    except OSError as error:
        MANAGER.error("modelmanager.cpp", f"Couldn't check directory: {base}")
        raise StatusError(PATH_INVALID) from error
    return os.path.isdir(base)


def _subdirectories(base: str) -> list[str]:
    """Names of the directories in `base`, links followed, in the order of a std::set of text."""
    try:
        with os.scandir(base) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    except OSError as error:
        MANAGER.error("modelmanager.cpp", f"Couldn't list directories in path: {base}")
        raise StatusError(PATH_INVALID) from error
    return sorted(names, key=os.fsencode)


def _version_of(name: str) -> int | None:
    try:
        version = stoll(name)
    except ValueError:
        MANAGER.warning(
            "modelmanager.cpp",
            f"Expected version directory name to be in number format. Got: {name}",
        )
        return None
    except OverflowError:
        MANAGER.error(
            "modelmanager.cpp",
            f"Directory name is out of range for supported version format. Got: {name}",
        )
        return None
    if version <= 0:
        MANAGER.warning(
            "modelmanager.cpp",
            f"Expected version directory name to be a number greater than 0. Got: {version}",
        )
        return None
    return version


def read_available_versions(base: str, *, single_files: bool) -> list[int]:
    """Versions under `base`, in the text order of their names, which is the order OVMS has.

    `single_files`: a model file in place of the directory counts as version 1 (from 2026.3).
    Raises StatusError (PATH_INVALID) after the log line that OVMS writes.
    """
    if is_path_escaped(base):
        MANAGER.error("modelmanager.cpp", f"Path {base} escape with .. is forbidden.")
        raise StatusError(PATH_INVALID)
    if single_files and is_single_file(base):
        return [1]
    found = [_version_of(name) for name in _names(base)]
    versions = [version for version in found if version is not None]
    if not versions:
        MANAGER.warning("modelmanager.cpp", f"No version found for model in path: {base}")
    return versions


def _names(base: str) -> list[str]:
    if base.startswith(CLOUD_PREFIXES):
        # Late: a server with local models only needs none of it.
        from ovms_standin.cloud import subdirectories

        names = _listed(base, subdirectories)
    else:
        names = _subdirectories(base) if _is_directory(base) else None
    if names is None:
        MANAGER.error("modelmanager.cpp", f"Directory does not exist: {base}")
        raise StatusError(PATH_INVALID)
    return names


def _listed(base: str, subdirectories: Callable[[str], list[str] | None]) -> list[str] | None:
    try:
        return subdirectories(base)
    except StatusError:
        MANAGER.error("modelmanager.cpp", f"Couldn't check directory: {base}")
        raise


def is_single_file(base: str) -> bool:
    """Whether `base` is a model file, not a directory of versions."""
    return os.path.isfile(base) and Path(base).suffix in _SINGLE_FILE_SUFFIXES


def find_model_files(directory: Path) -> ModelFiles | None:
    """The model in a version directory, or None. Raises OSError when it cannot be listed."""
    with os.scandir(directory) as entries:
        names = sorted(entry.name for entry in entries)
    for suffixes in _FORMATS:
        found = [next((name for name in names if name.endswith(s)), None) for s in suffixes]
        if None in found:
            continue
        paths = [directory / name for name in found if name is not None]
        if suffixes == (".pb",):
            return _tensorflow(directory, paths[0])
        return ModelFiles(paths[0], _companions(paths))
    return None


def _companions(paths: list[Path]) -> tuple[Path, ...]:
    """The weights OpenVINO will really open: those of the same stem as the model."""
    return tuple(paths[0].with_suffix(path.suffix) for path in paths[1:])


def _tensorflow(directory: Path, main: Path) -> ModelFiles:
    if main.name == "saved_model.pb":
        weights = sorted((directory / "variables").glob("*"))
        return ModelFiles(directory, (main, *weights))
    return ModelFiles(main)


def single_file_model(path: Path) -> ModelFiles:
    """The model behind a `base_path` that names a file."""
    if path.suffix == ".xml":
        return ModelFiles(path, (path.with_suffix(".bin"),))
    return ModelFiles(path)
