# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the model files of a version directory by the rules of the model server.

The server takes the first match in the order IR, ONNX, PaddlePaddle, TensorFlow, TensorFlow Lite
(model_server src/modelinstance.cpp, C(findModelFilePathWithExtension)) among the files directly
in the version directory; which of two files of one kind it takes depends on the order of the
directory, so more than one is an error here. A MediaPipe graph names its own models. A directory
with a shared library and no model is for custom nodes of pipelines (C(base_path) of
C(custom_node_library_config_list)); a server opens it by its path and never again, so another
library is another version.
"""

from __future__ import annotations

import posixpath
import re
from typing import Iterable, List, NamedTuple, Optional, Set

GRAPH_FILE = "graph.pbtxt"
SAVED_MODEL = "saved_model.pb"
# TensorFlow writes the first since 2.12, Keras 2 the second.
BESIDE_SAVED_MODEL = ("fingerprint.pb", "keras_metadata.pb")
MODEL_SUFFIXES = (".xml", ".onnx", ".pdmodel", ".pb", ".tflite")
LIBRARY = re.compile(r"[^/]+\.so(\.[0-9]+)*")


class Fault(NamedTuple):
    """A fault of one version directory: a kind for grouping and a part of a sentence."""

    kind: str
    text: str


def version_fault(paths: Iterable[str]) -> Optional[Fault]:
    """Return what would keep a server from loading the version, or C(None).

    Args:
        paths: file paths relative to the version directory, with C(/).
    """
    names = set(paths)
    names -= left_out(names)
    if not names:
        return Fault("empty version", "holds no file")
    if GRAPH_FILE in names:
        return _pairs_fault(sorted(name for name in names if name.endswith(".xml")), names)
    heads = _heads(names)
    if not heads:
        libraries = any(map(LIBRARY.fullmatch, names))
        return None if libraries else _no_model_fault(names)
    if len(heads) > 1:
        return Fault("two models in a version", "holds " + " and ".join(heads))
    return _head_fault(heads[0], names)


def left_out(names: Set[str]) -> Set[str]:
    """Return the files that TensorFlow writes beside a model and that no server reads.

    OVMS takes the first C(*.pb) that the directory lists, which may be one of these.
    """
    return names & set(BESIDE_SAVED_MODEL) if SAVED_MODEL in names else set()


def version_doubt(paths: Iterable[str]) -> str:
    """Return a warning about a version that the server loads but may serve wrongly, or C("")."""
    names = set(paths)
    frozen = SAVED_MODEL in names and not any(name.startswith("variables/") for name in names)
    if frozen and _heads(names - left_out(names)) == [SAVED_MODEL]:
        return f"has {SAVED_MODEL} without variables/: right for a frozen graph only"
    return ""


def _heads(names: Set[str]) -> List[str]:
    top = sorted(name for name in names if "/" not in name)
    heads = [name for name in top if name.endswith(MODEL_SUFFIXES)]
    # An .xml without weights is no model to the server when a file of another kind is there.
    complete = [name for name in heads if not _is_lonely_xml(name, names)]
    return complete or heads


def _is_lonely_xml(name: str, names: Set[str]) -> bool:
    return name.endswith(".xml") and not any(
        other.endswith(".bin") for other in names if "/" not in other
    )


def _head_fault(head: str, names: Set[str]) -> Optional[Fault]:
    if head.endswith(".xml"):
        return _pairs_fault([head], names)
    if head.endswith(".pdmodel"):
        partner = _with_suffix(head, ".pdiparams")
        if partner not in names:
            return Fault("incomplete model", f"has {head} without {partner}")
    return None


def _pairs_fault(xmls: Iterable[str], names: Set[str]) -> Optional[Fault]:
    for xml in xmls:
        partner = _with_suffix(xml, ".bin")
        if partner not in names:
            return Fault("xml without bin", f"has {xml} without {posixpath.basename(partner)}")
    return None


def _no_model_fault(names: Set[str]) -> Fault:
    shown = ", ".join(sorted(names)[:3])
    if any(name.endswith(".bin") for name in names):
        return Fault("incomplete model", f"has weights but no .xml ({shown})")
    return Fault("no model file", f"holds no model file ({shown})")


def _with_suffix(name: str, suffix: str) -> str:
    return posixpath.splitext(name)[0] + suffix
