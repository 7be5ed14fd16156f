# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Message classes from installed packages, without running those packages' client code.

`tritonclient` carries the KServe v2 messages and `ovmsclient` TensorFlow Serving's. Importing
either package as a whole would pull in its client and what that needs.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


def _bare_package(name: str, path: list[str]) -> None:
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = path
        sys.modules[name] = package


def _load(package: str, module: str) -> Any:
    """Import `package.module` with every package above it empty. Raises ImportError."""
    top, *inner = package.split(".")
    spec = importlib.util.find_spec(top) if top not in sys.modules else None
    paths = (
        list(spec.submodule_search_locations or [])
        if spec is not None
        else list(getattr(sys.modules.get(top), "__path__", []))
    )
    if not paths:
        raise ImportError(f"package {top} is not installed")
    _bare_package(top, paths)
    name = top
    for part in inner:
        name, paths = f"{name}.{part}", [f"{path}/{part}" for path in paths]
        _bare_package(name, paths)
    return importlib.import_module(f"{package}.{module}")


def kserve() -> Any:
    """Messages of inference.GRPCInferenceService."""
    return _load("tritonclient.grpc", "service_pb2")


_TFS = "ovmsclient.tfs_compat.protos"


def tfs_status() -> Any:
    """GetModelStatusRequest and its answer."""
    return _load(f"{_TFS}.tensorflow_serving.apis", "get_model_status_pb2")


def tfs_management() -> Any:
    """ReloadConfigRequest and its answer."""
    return _load(f"{_TFS}.tensorflow_serving.apis", "model_management_pb2")


def tfs_metadata() -> Any:
    """GetModelMetadataRequest, its answer and SignatureDefMap."""
    return _load(f"{_TFS}.tensorflow_serving.apis", "get_model_metadata_pb2")


def tfs_predict() -> Any:
    """PredictRequest and PredictResponse."""
    return _load(f"{_TFS}.tensorflow_serving.apis", "predict_pb2")
