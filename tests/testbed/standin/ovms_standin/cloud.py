# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models in a bucket: listed at each poll, downloaded before a load (src/filesystem/).

Whatever a client of OVMS does wrong on the way to its store is done here, too: see cloud_s3.py and
cloud_http.py. Only model files are downloaded.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ovms_standin.cloud_http import CloudError
from ovms_standin.logs import Logger
from ovms_standin.model_config import ModelConfig
from ovms_standin.repository import CLOUD_PREFIXES
from ovms_standin.status import PATH_INVALID, Status, StatusError

_LOGGERS = {"s3": "s3", "gs": "gcs", "az": "azurestorage", "azfs": "azurestorage"}
_FILES = {"s3": "s3filesystem.cpp", "gs": "gcsfilesystem.cpp"}
#: What is downloaded of a version: acceptedFiles in src/filesystem/filesystem.cpp.
ACCEPTED = (
    *(".bin", ".xml", ".onnx", ".pb", ".pdmodel", ".pdiparams", ".tflite"),
    *("mapping_config.json", "variables.data-00000-of-00001", "variables.index"),
)


class Bucket(Protocol):
    """What the clients of the three clouds have in common."""

    def keys(self, prefix: str) -> list[str]:
        """Names of the objects that begin with `prefix`. Raises CloudError."""

    def read(self, key: str) -> bytes:
        """Bytes of an object. Raises CloudError."""


def is_cloud(path: str) -> bool:
    """Whether a base path is not one of the local file system."""
    return path.startswith(CLOUD_PREFIXES)


def open_bucket(path: str, environ: Mapping[str, str]) -> tuple[Bucket, str]:
    """The client for a path, and the path's directory with a slash at its end, or "".

    Raises CloudError.
    """
    scheme, _, rest = path.partition("://")
    name, _, directory = rest.partition("/")
    directory = f"{directory.rstrip('/')}/" if directory.strip("/") else ""
    if not name:
        raise CloudError(f"No bucket name found in path {path}")
    if scheme == "s3":
        from ovms_standin.cloud_s3 import S3Bucket

        return S3Bucket(name, environ), directory
    from ovms_standin.cloud_others import AzureContainer, GoogleBucket

    if scheme == "gs":
        return GoogleBucket(name, environ), directory
    if scheme == "az":
        return AzureContainer(name, environ), directory
    raise CloudError("file shares of Azure are beyond this stand-in")


def _report(path: str, error: CloudError) -> None:
    scheme = path.partition("://")[0]
    Logger(_LOGGERS[scheme]).error(_FILES.get(scheme, "azurefilesystem.cpp"), str(error))


def subdirectories(path: str) -> list[str] | None:
    """Names of the directories in `path`, in the order of a std::set of text; None: no such path.

    Raises StatusError after the log line of the client.
    """
    try:
        bucket, directory = open_bucket(path, os.environ)
        keys = bucket.keys(directory)
    except CloudError as error:
        _report(path, error)
        raise StatusError(PATH_INVALID) from error
    parts = [key[len(directory) :].partition("/") for key in keys]
    if not keys:
        return None
    return sorted({name for name, slash, _ in parts if slash and name}, key=os.fsencode)


@contextmanager
def downloaded(config: ModelConfig, versions: Sequence[int]) -> Iterator[ModelConfig | Status]:
    """The config with what it names on the local disk, or why it is not there."""
    if not is_cloud(config.base_path):
        yield config
        return
    local = tempfile.mkdtemp(prefix="file", dir="/tmp")
    try:
        for version in versions:
            _download(f"{config.base_path.rstrip('/')}/{version}", Path(local, str(version)))
        yield replace(config, local_path=local)
    except (CloudError, OSError) as error:
        _report(config.base_path, CloudError(str(error)))
        yield Status(PATH_INVALID, "download")
    finally:
        shutil.rmtree(local, ignore_errors=True)


def _download(path: str, target: Path) -> None:
    bucket, directory = open_bucket(path, os.environ)
    keys = [key for key in bucket.keys(directory) if key.endswith(ACCEPTED)]
    target.mkdir()
    for key in keys:
        file = target / key[len(directory) :]
        if target not in file.resolve().parents:
            raise CloudError(f"Failed to create local folder: {key}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bucket.read(key))
