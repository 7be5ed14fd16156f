# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans a local model repository and refuses names and layouts that a model server would misread.

A repository is C(<model>/<version>/<files>). A directory that holds files and no versions (a
library, a MediaPipe graph) is taken as the one version that is chosen of it. Everything is checked
before any cluster is asked for anything; all findings of one kind are reported together.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from .formats import GRAPH_FILE, MODEL_SUFFIXES, left_out, version_doubt, version_fault

# The server reads version names with std::stoll into an int64 (model_server
# src/modelmanager.cpp, readAvailableVersions), so "2.tmp", "002" and "+2" are all version 2 to it.
VERSION_NAME = re.compile(r"[1-9][0-9]{0,18}")
# Names that look like a version number, valid or not.
LIKE_VERSION = re.compile(r"\s*[vV+-]?[0-9]")
MAX_VERSION = 2**63 - 1
# Model names become part of URLs (/v2/models/NAME/versions/N) and of paths.
MODEL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,199}")
# Of a file in its version, in bytes and in parts: on a store, the names of the stage come before
# it, and Linux takes 4096 bytes in all; Python's own removal of a tree is recursive.
LONGEST_PATH, MOST_PARTS = 3500, 100
REPORT_LIMIT = 10
JUNK_NAMES = frozenset({"__pycache__", "Thumbs.db", "desktop.ini", "lost+found"})

HINTS = {
    "symlink": "Copy the content into the repository, or link inside of it",
    "special file": "A repository may hold regular files and directories only",
    "unreadable": "Make it readable for the user that runs Ansible",
    "file name": "Rename it: UTF-8 without control characters, at most 255 bytes a part;"
    f" a path in a version has at most {LONGEST_PATH} bytes and {MOST_PARTS} parts",
    "model name": "Use letters, digits and _ . + @ = -, not starting with . or -",
    "model name clash": "Rename one: file systems and URLs may not keep them apart",
    "version name": "Name it with a positive number without leading zeros, like 1 or 20260131;"
    " keep anything else outside the repository",
    "no version": "Put the files into <model>/<version>/, for example <model>/1/, or say which one"
    " version they are: models: [{name: <model>, versions: [1]}]",
    "empty version": "Fill it or remove it",
    "xml without bin": "OpenVINO reads the .bin of the same name beside the .xml",
    "two models in a version": "Give each model a directory of its own",
    "incomplete model": "Complete it or remove the version",
    "no model file": "OVMS loads .xml+.bin, .onnx, .pdmodel+.pdiparams, saved_model.pb,"
    " .tflite, graph.pbtxt, or a library (.so) for custom nodes",
}


@dataclass(frozen=True)
class LocalFile:
    """One regular file: C(path) relative to its version directory, C(source) where to read it."""

    path: str
    source: str
    size: int


@dataclass(frozen=True)
class LocalVersion:
    """One version directory of the local repository."""

    model: str
    version: int
    files: Tuple[LocalFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(item.size for item in self.files)


@dataclass
class Repository:
    """The result of a scan: valid versions, files left out on purpose, and warnings."""

    root: str
    versions: List[LocalVersion] = field(default_factory=list)
    ignored: List[str] = field(default_factory=list)
    doubts: List[str] = field(default_factory=list)


@dataclass(frozen=True)
class Selection:
    """Chosen model.

    Attributes:
        name: its directory on the store.
        versions: empty means all of them.
        path: where it is in the repository, if that is not C(name).
    """

    name: str
    versions: Tuple[int, ...] = ()
    path: str = ""


def scan(src: str, selection: Sequence[Selection] = (), *, flat: bool = True) -> Repository:
    """Return the chosen part of the repository at C(src).

    Only what is chosen is checked, so one bad model does not keep the others from going out.
    C(flat) takes a directory without versions as the one version that is chosen of it.

    Raises:
        InputError: the repository is missing or empty, a chosen model or version does not exist,
            or something in it would be misread by a model server.
    """
    _check_root(src)
    found = _Scan(os.path.realpath(src), {item.name: item for item in selection}, flat=flat)
    found.run()
    if found.faults:
        raise _findings_error(src, found.faults)
    _check_selection(src, selection, found.repository.versions)
    if not found.repository.versions:
        raise InputError(
            "the model repository is empty",
            option="src",
            subject=src,
            hint="It has to hold <model>/<version>/<files>",
        )
    return found.repository


def _check_root(src: str) -> None:
    if not os.path.lexists(src):
        raise InputError(
            "the model repository does not exist",
            option="src",
            subject=src,
            hint="Set src to the directory, on the controller, that holds <model>/<version>/",
        )
    if not os.path.isdir(src):
        raise InputError("the model repository is not a directory", option="src", subject=src)
    if not os.access(src, os.R_OK | os.X_OK):
        raise InputError(
            "the model repository is not readable",
            option="src",
            subject=src,
            hint=HINTS["unreadable"],
        )


@dataclass(frozen=True)
class _Fault:
    kind: str
    path: str
    text: str = ""


class _Scan:
    """One walk; collects faults instead of stopping at the first."""

    def __init__(self, root: str, chosen: Mapping[str, Selection], *, flat: bool) -> None:
        self.root = root
        self.chosen = chosen
        self.flat = flat
        self.repository = Repository(root)
        self.faults: List[_Fault] = []

    def run(self) -> None:
        placed = {name: item.path for name, item in self.chosen.items() if self._is_placed(item)}
        models = [name for name, _path in self._directories("") if self._is_model(name, placed)]
        self._check_clashes([*models, *placed])
        for model in models:
            self._scan_model(model, model)
        for model, path in placed.items():
            if os.path.isdir(os.path.join(self.root, path)) and self._resolve(path):
                self._scan_model(model, path)

    def _is_placed(self, item: Selection) -> bool:
        """Tell whether a model is taken from its path; one that was moved to its name is fine."""
        there = os.path.isdir(os.path.join(self.root, item.name))
        return bool(item.path) and (os.path.isdir(os.path.join(self.root, item.path)) or not there)

    def _is_model(self, name: str, placed: Mapping[str, str]) -> bool:
        if name in placed or (self.chosen and name not in self.chosen):
            return False
        if not MODEL_NAME.fullmatch(name):
            self._fault("model name", name)
            return False
        return True

    def _check_clashes(self, models: Sequence[str]) -> None:
        by_fold: Dict[str, str] = {}
        for name in models:
            other = by_fold.setdefault(name.casefold(), name)
            if other != name:
                self._fault("model name clash", name, f"and {other} differ only by case")

    def _scan_model(self, model: str, top: str) -> None:
        alone = self._only_version(model)
        if alone and self._holds_no_versions(top):
            self._scan_version(model, alone, top)
            return
        names = [name for name, _path in self._directories(top)]
        if not names:
            graph = os.path.join(self.root, top, GRAPH_FILE)
            text = f"holds {GRAPH_FILE} but no version" if os.path.exists(graph) else ""
            if VERSION_NAME.fullmatch(model):
                text = "is named like a version, so src is a model: give the directory above it"
            self._fault("no version", top, text)
        for name in names:
            path = f"{top}/{name}"
            if not VERSION_NAME.fullmatch(name) or int(name) > MAX_VERSION:
                self._fault("version name", path, self._as_model(path))
            elif self._is_chosen(model, int(name)):
                self._scan_version(model, int(name), path)

    def _as_model(self, path: str) -> str:
        """Return the hint to choose a directory that holds a model one level further down."""
        names = _listed(os.path.join(self.root, path))
        if LIKE_VERSION.match(posixpath.basename(path)):
            return ""
        if any(map(VERSION_NAME.fullmatch, names)):
            return f"is a model of its own: choose it with models: [{{name: {path}}}]"
        if any(name.endswith((*MODEL_SUFFIXES, GRAPH_FILE)) for name in names):
            return f"is a model: choose it with models: [{{name: {path}, versions: [1]}}]"
        return ""

    def _only_version(self, model: str) -> int:
        """Return the version that is chosen of a model, 0 if there are several or none."""
        wanted = self.chosen[model].versions if model in self.chosen else ()
        if not self.flat or len(wanted) != 1 or VERSION_NAME.fullmatch(model):
            return 0
        return wanted[0]

    def _holds_no_versions(self, model: str) -> bool:
        """Tell whether files lie in the model's own directory, and nothing like a version."""
        files = False
        for name in _listed(os.path.join(self.root, model)):
            if os.path.isdir(os.path.join(self.root, model, name)):
                if LIKE_VERSION.match(name):
                    return False
            else:
                files = True
        return files

    def _is_chosen(self, model: str, version: int) -> bool:
        wanted = self.chosen[model].versions if model in self.chosen else ()
        return not wanted or version in wanted

    def _scan_version(self, model: str, version: int, path: str) -> None:
        before = len(self.faults)
        found = sorted(self._files(path), key=lambda item: item.path)
        if len(self.faults) > before:
            return
        useless = left_out({item.path for item in found})
        self.repository.ignored += [f"{path}/{name}" for name in sorted(useless)]
        files = tuple(item for item in found if item.path not in useless)
        fault = version_fault(item.path for item in files)
        if fault:
            self._fault(fault.kind, path, fault.text)
        else:
            doubt = version_doubt(item.path for item in files)
            self.repository.doubts += [f"{path} {doubt}"] if doubt else []
            self.repository.versions.append(LocalVersion(model, version, files))

    def _directories(self, path: str) -> Iterator[Tuple[str, str]]:
        """Yield the directories of a directory that is not itself copied; note what is left."""
        for entry, child in self._entries(path):
            target = self._resolve(child)
            if target is None:
                continue
            if os.path.isdir(target):
                yield entry.name, child
            else:
                self.repository.ignored.append(child)

    def _files(self, top: str) -> Iterator[LocalFile]:
        """Yield the regular files under C(top), links inside the repository resolved."""
        start: Tuple[str, ...] = (os.path.realpath(os.path.join(self.root, top)),)
        pending = [(top, "", start)]
        while pending:
            path, relative, above = pending.pop()
            for entry, child in self._entries(path):
                # Only a link is somewhere else than its directory is.
                link = entry.is_symlink()
                target = self._resolve(child) if link else os.path.join(above[-1], entry.name)
                if target is None:
                    continue
                inner = f"{relative}{entry.name}"
                if os.path.isdir(target) if link else entry.is_dir(follow_symlinks=False):
                    if target in above:
                        self._fault("symlink", child, "leads back to a directory above it")
                    else:
                        pending.append((child, inner + "/", above + (target,)))
                    continue
                found = self._regular(child, target, inner)
                if found:
                    yield found

    def _regular(self, child: str, target: str, inner: str) -> Optional[LocalFile]:
        try:
            status = os.stat(target)
        except OSError as error:
            self._fault("unreadable", child, error.strerror or "")
            return None
        if not stat.S_ISREG(status.st_mode):
            self._fault("special file", child)
            return None
        if not os.access(target, os.R_OK):
            self._fault("unreadable", child)
            return None
        if is_too_long(inner):
            self._fault("file name", f"{child[:60]}...", "is too long, or too deep")
            return None
        return LocalFile(inner, target, status.st_size)

    def _entries(self, path: str) -> Iterator[Tuple["os.DirEntry[str]", str]]:
        """Yield (entry, path in the repository) of a directory, by name, without junk."""
        try:
            with os.scandir(os.path.join(self.root, path)) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._fault("unreadable", path, error.strerror or "")
            return
        for entry in entries:
            child = f"{path}/{entry.name}" if path else entry.name
            if is_junk(entry.name):
                self.repository.ignored.append(child)
            elif not _is_portable(entry.name):
                self._fault("file name", ascii(child))
            else:
                yield entry, child

    def _resolve(self, child: str) -> Optional[str]:
        """Return the real path, or C(None) with a fault when it is not inside the repository."""
        path = os.path.join(self.root, child)
        target = os.path.realpath(path)
        if target != self.root and not target.startswith(os.path.join(self.root, "")):
            self._fault("symlink", child, f"leaves the repository (to {target})")
            return None
        if not os.path.exists(target):
            text = "leads nowhere" if os.path.islink(path) else "cannot be reached"
            self._fault("symlink", child, text)
            return None
        return target

    def _fault(self, kind: str, path: str, text: str = "") -> None:
        self.faults.append(_Fault(kind, path, text))


def is_too_long(path: str) -> bool:
    """Return whether a store could have no place for a file of a version."""
    return (
        len(path.encode("utf-8", "surrogatepass")) > LONGEST_PATH or path.count("/") >= MOST_PARTS
    )


def is_junk(name: str) -> bool:
    """Return whether a name is one of those that are never copied."""
    return name.startswith(".") or name in JUNK_NAMES or name.endswith("~")


def _is_portable(name: str) -> bool:
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(encoded) <= 255 and name.isprintable()


def _check_selection(
    src: str, selection: Sequence[Selection], versions: Sequence[LocalVersion]
) -> None:
    have = {(item.model, item.version) for item in versions}
    names = {model for model, version in have}
    missing = [
        item.path or item.name for item in selection if item.name not in names and not item.versions
    ]
    missing += [
        f"{item.path or item.name}/{version}"
        for item in selection
        for version in item.versions
        if (item.name, version) not in have
    ]
    if missing:
        raise InputError(
            f"not in the model repository: {', '.join(missing[:REPORT_LIMIT])}",
            option="models",
            subject=src,
            hint=_what_is_there(src, missing[0].partition("/")[0]),
            details={"missing": missing},
        )


def _what_is_there(src: str, model: str) -> str:
    """Return the way out: the versions of the model, else the models."""
    versions = sorted(filter(VERSION_NAME.fullmatch, _names(os.path.join(src, model))), key=int)
    if versions:
        last = "" if len(versions) <= REPORT_LIMIT else "among others "
        return f"{model} has {last}{', '.join(versions[-REPORT_LIMIT:])}"
    models = sorted(name for name in _names(src) if not is_junk(name))
    return f"There are {', '.join(models[:REPORT_LIMIT])}" if models else "It is empty"


def _listed(path: str) -> List[str]:
    """Return the names in a directory that are copied, none if it cannot be read."""
    try:
        return [name for name in os.listdir(path) if not is_junk(name)]
    except OSError:
        return []


def _names(path: str) -> List[str]:
    try:
        return [item.name for item in os.scandir(path) if item.is_dir()]
    except OSError:
        return []


def _findings_error(src: str, faults: Sequence[_Fault]) -> InputError:
    """Return one error for the first kind of fault; the others are counted and in the details."""
    first = faults[0].kind
    same = [fault for fault in faults if fault.kind == first]
    shown = [f"{fault.path} {fault.text}".strip() for fault in same[:REPORT_LIMIT]]
    message = f"{first}: {'; '.join(shown)}"
    if len(same) > REPORT_LIMIT:
        message += f"; and {len(same) - REPORT_LIMIT} more"
    others = sorted({fault.kind for fault in faults} - {first})
    if others:
        message += f" (also found: {', '.join(others)})"
    details = [{"kind": item.kind, "path": item.path, "text": item.text} for item in faults]
    return InputError(
        message,
        option="src",
        subject=src,
        hint=HINTS.get(first),
        details={"findings": details},
    )
