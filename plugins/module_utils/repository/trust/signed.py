# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the signed set of a signature: the files of a repository with their sha256.

The statement is the one of OpenSSF Model Signing v1.0: the resources are all files below the
signed directory, the subject's digest is the sha256 over their digests in the listed order. Its
list is the manifest that the local files, and so the stores, have to match.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ...errors import InputError, UnsupportedError
from ..agent.trust import is_counter
from ..content.formats import BESIDE_SAVED_MODEL
from ..content.layout import MAX_VERSION, MODEL_NAME, VERSION_NAME, Selection, is_junk
from ..content.manifest import Manifest
from ..options.signature import SignatureOptions
from .envelope import BUNDLE, PublicKey, verified_statement

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
RELEASE_FILE = "edge-release.json"
MAX_RELEASE = 1 << 16  # bytes of the release file
SHOWN = 5
_SHA256 = re.compile(r"[0-9a-f]{64}")

Key = Tuple[str, int]


@dataclass
class SignedSet:
    """The files that one signature covers.

    Attributes:
        bundle: path of the bundle, for messages.
        name: the signed directory's name, as the signer wrote it.
        key_id: of the key; see C(envelope.PublicKey).
        resources: sha256 in hex by path relative to the signed directory.
        ignored: paths that the signer left out on purpose.
        counter: of the release; C(None) when the set has none.
    """

    bundle: str
    name: str
    key_id: str
    resources: Mapping[str, str]
    ignored: Tuple[str, ...] = ()
    counter: Optional[int] = None
    _files: Dict[Key, Dict[str, str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for path, digest in self.resources.items():
            model, version, inner = _split(path)
            if inner:
                self._files.setdefault((model, version), {})[inner] = digest

    @property
    def release_path(self) -> str:
        """The path of the release file when there is no local repository."""
        return os.path.join(os.path.dirname(self.bundle), RELEASE_FILE)

    def versions(self) -> List[Key]:
        """Return the signed versions, sorted."""
        return sorted(self._files)

    def files(self, model: str, version: int) -> Dict[str, str]:
        """Return the sha256 of the files of a version, by path; empty when it is not signed."""
        return dict(self._files.get((model, version), {}))

    def check(self, manifests: Iterable[Manifest], chosen: Sequence[Selection] = ()) -> None:
        """Refuse local files that are not exactly the signed ones.

        Args:
            manifests: of the chosen local versions.
            chosen: what was chosen; nothing means the whole signed set has to be there.

        Raises:
            InputError: a file is changed, not signed, or missing; all of them are named.
        """
        if not self._files:
            raise InputError(
                "it covers no file of the form <model>/<version>/<file>",
                option=BUNDLE,
                subject=self.bundle,
                hint="Sign the directory that src names, not one below or above it",
            )
        local = {(item.model, item.version): item for item in manifests}
        faults = [fault for key in sorted(local) for fault in self._faults(local[key])]
        for key in self.versions():
            if key not in local and _is_chosen(key, chosen):
                faults.append(f"missing: {key[0]}/{key[1]}")
        if faults:
            raise self._refusal(faults)

    def _faults(self, manifest: Manifest) -> List[str]:
        signed = self._files.get((manifest.model, manifest.version), {})
        top = f"{manifest.model}/{manifest.version}"
        if not signed:
            return [f"not signed: {top}"]
        have = {entry.path: entry.sha256 for entry in manifest.files}
        missing = {path for path in set(signed) - set(have) if not _is_left_out(path)}
        changed = {path for path in set(signed) & set(have) if signed[path] != have[path]}
        return [
            f"{word}: {top}/{path}"
            for word, paths in (
                ("changed", changed),
                ("not signed", set(have) - set(signed)),
                ("missing", missing),
            )
            for path in sorted(paths)
        ]

    def _refusal(self, faults: Sequence[str]) -> InputError:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        hint = "Restore the signed files, or sign these"
        if any(fault.startswith("not signed") for fault in faults) and self.ignored:
            hint += f" (the signer left out: {', '.join(self.ignored[:SHOWN])})"
        return InputError(
            f"the files are not the signed ones: {'; '.join(faults[:SHOWN])}{more}",
            option="signature",
            subject=self.bundle,
            hint=hint,
            details={"findings": list(faults)},
        )

    def take_release(self, data: Optional[bytes], where: str = RELEASE_FILE) -> None:
        """Read the counter of a release file that the set covers; without one there is none.

        Args:
            data: content of the file, C(None) when it is not there.
            where: its path, for messages.

        Raises:
            InputError: it is signed but not there, has other bytes, or no counter.
        """
        digest = self.resources.get(RELEASE_FILE)
        if digest is None:
            self.counter = None
            return
        if data is None:
            raise _release_fault(where, "the signed set has it, but it is not there")
        if hashlib.sha256(data).hexdigest() != digest:
            raise _release_fault(where, "it is not the signed one (other bytes)")
        try:
            body = json.loads(data)
            counter = body["counter"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _release_fault(where, f"it has no counter ({error!r})") from error
        if not is_counter(counter):
            raise _release_fault(where, f"{counter!r} is not a counter (a number from 0 up)")
        self.counter = counter


def verify(options: SignatureOptions) -> SignedSet:
    """Return what the bundle covers, once its signature was found right.

    Raises:
        InputError: see C(envelope.verified_statement); or a statement that contradicts itself.
        UnsupportedError: hashed in another way than whole files with sha256.
    """
    key = PublicKey(options.public_key)
    statement = verified_statement(options.bundle, key)
    try:
        return _signed_set(statement, options.bundle, key.key_id)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(
            f"the signed statement is not one of Model Signing v1.0 ({error})",
            option=BUNDLE,
            subject=options.bundle,
        ) from error


def _signed_set(statement: Mapping[str, Any], path: str, key_id: str) -> SignedSet:
    for name, wanted in (("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)):
        if statement[name] != wanted:
            raise ValueError(f"{name} is {statement[name]!r}")
    subjects = statement["subject"]
    if len(subjects) != 1:
        raise ValueError(f"{len(subjects)} subjects")
    predicate = statement["predicate"]
    serialization = predicate["serialization"]
    _check_method(serialization, path)
    resources: Dict[str, str] = {}
    total = hashlib.sha256()
    for item in predicate["resources"]:
        name, digest = _resource(item, resources)
        resources[name] = digest
        total.update(bytes.fromhex(digest))
    if total.hexdigest() != subjects[0]["digest"]["sha256"]:
        raise ValueError("its digest is not that of its resources")
    ignored = tuple(str(item) for item in serialization.get("ignore_paths") or ())
    return SignedSet(path, str(subjects[0].get("name") or ""), key_id, resources, ignored)


def _check_method(serialization: Mapping[str, Any], path: str) -> None:
    method, kind = serialization["method"], serialization["hash_type"]
    if (method, kind) != ("files", "sha256"):
        raise UnsupportedError(
            f"it is hashed by {method} with {kind}; only whole files with sha256 can be compared"
            " with what lies on a store",
            option=BUNDLE,
            subject=path,
            hint="Sign without options for the hash and without shards",
        )


def _resource(item: Mapping[str, Any], seen: Mapping[str, str]) -> Tuple[str, str]:
    name, digest = item["name"], item["digest"]
    if item["algorithm"] != "sha256" or not _SHA256.fullmatch(digest):
        raise ValueError(f"{name!r} has no sha256")
    if name in seen:
        raise ValueError(f"{name!r} is there twice")
    if name.startswith(("/", "../")) or posixpath.normpath(name) != name:
        raise ValueError(f"{name!r} is no path below the signed directory")
    return name, digest


def _split(path: str) -> Tuple[str, int, str]:
    """Return model, version and the path below; an empty path for what is no file of a version."""
    parts = path.split("/", 2)
    if len(parts) < 3 or not MODEL_NAME.fullmatch(parts[0]) or is_junk(parts[0]):
        return "", 0, ""
    if not VERSION_NAME.fullmatch(parts[1]) or int(parts[1]) > MAX_VERSION:
        return "", 0, ""
    return parts[0], int(parts[1]), parts[2]


def _is_left_out(path: str) -> bool:
    return path in BESIDE_SAVED_MODEL or any(is_junk(name) for name in path.split("/"))


def _is_chosen(key: Key, chosen: Sequence[Selection]) -> bool:
    if not chosen:
        return True
    wanted: Dict[str, Set[int]] = {item.name: set(item.versions) for item in chosen}
    return key[0] in wanted and (not wanted[key[0]] or key[1] in wanted[key[0]])


def _release_fault(where: str, text: str) -> InputError:
    return InputError(
        text,
        option="signature",
        subject=where,
        hint=f"{RELEASE_FILE} lies beside the models and is signed with them",
    )
