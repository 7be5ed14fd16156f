# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of the last run on a store, kept in a ConfigMap, for C(compare: record).

One ConfigMap for each store has one entry for each target: which volume or node it was (by uid) and
which manifest digests were published or seen right there. With it an unchanged run needs no helper
pod. It holds what a run of this collection last did or saw, not what is on the store now: changes
to the volume by other means are not noticed. In any doubt the store is read as without a record.

No entry may list a version that was removed. So a run deletes entries before its first removal, and
a run that writes an entry without the store's lock checks afterwards that it is still true.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ...errors import ApiError, ConflictError, EdgeError, ForbiddenError, InputError
from ...kube.client import Access, KubeClient
from ...store import MANAGED_BY, MANAGED_BY_LABEL, NAME_LABEL, PvcStore, Store
from ..content.manifest import Manifest
from ..content.state import Inventory, Key, RemoteVersion, believe
from ..target.nodes import choose_nodes
from ..transport.base import Target

FORM = 1  # of an entry; entries with another number are ignored
VOLUME_KEY = "volume"
STORE_ANNOTATION = "openvino.edge/store"
RECORD_NAME = "edge-store-record"

Object = Mapping[str, Any]
Trust = Mapping[str, int]


@dataclass(frozen=True)
class Seen:
    """A target at the end of a run.

    Attributes:
        target: which one.
        versions: digest of every version there; C("") for one whose files nobody checked.
        trust: highest accepted counter by key id.
    """

    target: Target
    versions: Mapping[Key, str]
    trust: Trust = field(default_factory=dict)


def record_access(store: Store) -> List[Access]:
    """Return the rights to keep the record."""
    return [
        Access(verb, "", "configmaps", namespace=store.namespace)
        for verb in ("get", "create", "patch", "delete")
    ]


def record_name(store: Store) -> str:
    """Return the name of a store's ConfigMap: the same for every way to write the same store."""
    if isinstance(store, PvcStore):
        words = ["pvc", store.claim_name, store.sub_path]
    else:
        words = ["host_path", store.path]
    text = "\0".join(words).encode("utf-8")
    return f"{RECORD_NAME}-{hashlib.sha256(text).hexdigest()[:16]}"


def seen_versions(
    inventory: Inventory,
    checked: Mapping[Key, RemoteVersion],
    published: Mapping[Key, str],
    removed: Iterable[Key] = (),
) -> Dict[Key, str]:
    """Return what a target holds after a run.

    Args:
        inventory: at its beginning.
        checked: versions whose content was found out.
        published: digests of what was published.
        removed: what was removed.
    """
    found: Dict[Key, str] = {}
    for raw in inventory.versions:
        known = checked.get(raw.key) or believe(raw)
        found[raw.key] = known.manifest.digest if known and raw.files else ""
    found.update(published)
    gone = set(removed)
    return {key: digest for key, digest in found.items() if key not in gone}


class RecordBook:
    """The record of one store.

    Args:
        client: of the cluster.
        store: which one.
        keep: make a record when there is none (C(compare: record)); one that is there is always
            kept true.
        warn: called with the reason when a record could not be written.
    """

    def __init__(
        self, client: KubeClient, store: Store, *, keep: bool, warn: Callable[[str], None]
    ) -> None:
        self._client, self._store, self._keep, self._warn = client, store, keep, warn
        self._name = record_name(store)
        self._entries: Optional[Dict[str, Any]] = None
        self._identities: Dict[str, str] = {}

    # -- before a run ---------------------------------------------------------------------------

    def settled(
        self,
        manifests: Sequence[Manifest],
        *,
        tolerations: Sequence[Object] = (),
        exact: bool = False,
        trust: Optional[Tuple[str, Optional[int]]] = None,
    ) -> Optional[List[Target]]:
        """Return the targets when the record shows all of this on each of them, else C(None).

        Args:
            manifests: what is wanted.
            tolerations: of the helper pods; they decide which nodes are selected.
            exact: other versions may have to go, so there must be none.
            trust: key id and counter of the signed set.
        """
        if isinstance(self._store, PvcStore) and self._store.local is not None:
            return None  # the volume itself is compared in each run
        try:
            if not self._load():
                return None
            targets = self._targets(tolerations)
        except (ForbiddenError, InputError, ApiError):
            return None  # the run without a record finds the same error and reports it
        wanted = {f"{item.model}/{item.version}": item.digest for item in manifests}
        if targets and all(self._holds(item, wanted, exact, trust) for item in targets):
            return targets
        return None

    def _holds(
        self,
        target: Target,
        wanted: Mapping[str, str],
        exact: bool,
        trust: Optional[Tuple[str, Optional[int]]],
    ) -> bool:
        key = key_of(target)
        entry = _entry((self._entries or {}).get(key))
        identity = self._identities.get(key) or "/"
        if entry is None or entry["identity"] != identity or identity.endswith("/"):
            return False
        have = entry["versions"]
        if any(not digest or have.get(name) != digest for name, digest in wanted.items()):
            return False
        if trust is not None and entry["trust"].get(trust[0]) != trust[1]:
            return False
        return not exact or set(have) <= set(wanted)

    def load(self) -> None:
        """Read the record, and the selected volume or nodes, before a run examines the targets.

        Raises:
            EdgeError: the cluster does not answer or refuses.
        """
        if self._load() or self._keep:
            self._identify()

    def _load(self) -> bool:
        found = self._client.get("v1", "ConfigMap", self._name, self._store.namespace)
        self._entries = None if found is None else dict(found.get("data") or {})
        return self._entries is not None

    def _targets(self, tolerations: Sequence[Object]) -> List[Target]:
        nodes = self._identify()
        if isinstance(self._store, PvcStore):
            return [Target(self._store)]
        return [
            Target(self._store, str(node["metadata"]["name"]))
            for node in choose_nodes(self._store, nodes, tolerations)
        ]

    def _identify(self) -> List[Object]:
        """Find the volume or nodes that are selected now; return the nodes."""
        if isinstance(self._store, PvcStore):
            self._identities = self._claim_identity(self._store)
            return []
        selector = ",".join(f"{key}={value}" for key, value in self._store.node_selector)
        nodes, _version = self._client.list("v1", "Node", label_selector=selector or None)
        self._identities = {
            str(node["metadata"]["name"]): str(node["metadata"].get("uid") or "") for node in nodes
        }
        return list(nodes)

    def _claim_identity(self, store: PvcStore) -> Dict[str, str]:
        claim = self._client.get("v1", "PersistentVolumeClaim", store.claim_name, store.namespace)
        volume = ((claim or {}).get("spec") or {}).get("volumeName")
        meta = (claim or {}).get("metadata") or {}
        if not meta.get("uid") or meta.get("deletionTimestamp"):
            return {}
        identity = f"{meta['uid']}/{volume or ''}"
        names = store.local.nodes if store.local is not None else ()
        return dict.fromkeys((*names, VOLUME_KEY), identity)

    def digest(self, target: Target, version: Key) -> str:
        """Return the digest of a version when the record was written, C("") if that is unknown."""
        key = key_of(target)
        entry = _entry((self._entries or {}).get(key))
        if entry is None or entry["identity"] != self._identities.get(key):
            return ""
        return str(entry["versions"].get(f"{version[0]}/{version[1]}") or "")

    # -- around changes -------------------------------------------------------------------------

    def forget(self, targets: Iterable[Target]) -> None:
        """Delete the entries of targets before any version there is removed or repaired.

        Raises:
            EdgeError: it is not possible; then nothing may be removed.
        """
        keys = [key_of(target) for target in targets]
        entries = self._entries or {}
        if any(key in entries for key in keys):
            self._patch(dict.fromkeys(keys))
            self._entries = {key: text for key, text in entries.items() if key not in keys}

    def write(
        self,
        seen: Sequence[Seen],
        *,
        removed: bool = False,
        still: Optional[Callable[[], bool]] = None,
    ) -> None:
        """Write the entries of a run; a failure gives only a warning.

        Args:
            seen: by target; targets without a known volume or node are left out.
            removed: the run removed something.
            still: reads the store again and tells whether it is unchanged; for a run without the
                lock.
        """
        try:
            if self._entries is None and removed:
                self._load()  # another run may have created a record meanwhile
            if self._entries is None and not self._keep:
                return
            self._await_volume()
            if self._put(self._changes(seen)) and still is not None and not still():
                self.forget(item.target for item in seen)
        except EdgeError as error:
            self._warn(f"the record {self._store.namespace}/{self._name} was not kept: {error}")

    def drop(self) -> None:
        """Delete the record of a store that is empty now; a failure gives only a warning."""
        try:
            if self._entries is not None:
                self._client.delete("v1", "ConfigMap", self._name, self._store.namespace)
        except EdgeError as error:
            self._warn(f"the record {self._store.namespace}/{self._name} was not deleted: {error}")

    def _await_volume(self) -> None:
        """Read the volume that a claim got when this run's helper, its first pod, was scheduled."""
        before = self._identities
        if isinstance(self._store, PvcStore) and any(
            text.endswith("/") for text in before.values()
        ):
            now = self._claim_identity(self._store)
            self._identities = {
                key: text for key, text in now.items() if text.startswith(before.get(key, "\0"))
            }

    def _changes(self, seen: Sequence[Seen]) -> Dict[str, str]:
        changes: Dict[str, str] = {}
        for item in seen:
            key = key_of(item.target)
            identity = self._identities.get(key)
            if identity and not identity.endswith("/"):
                text = _text(identity, item)
                if (self._entries or {}).get(key) != text:
                    changes[key] = text
        return changes

    def _put(self, changes: Mapping[str, str]) -> bool:
        if not changes:
            return False
        if self._entries is None and self._create(changes):
            return True
        self._patch(changes)
        self._entries = {**(self._entries or {}), **changes}
        return True

    def _create(self, data: Mapping[str, str]) -> bool:
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self._name,
                "namespace": self._store.namespace,
                "labels": {MANAGED_BY_LABEL: MANAGED_BY, NAME_LABEL: RECORD_NAME},
                "annotations": {STORE_ANNOTATION: str(self._store)},
            },
            "data": dict(data),
        }
        try:
            self._client.create(body)
        except ConflictError:  # another run created it first
            return False
        self._entries = dict(data)
        return True

    def _patch(self, changes: Mapping[str, Optional[str]]) -> None:
        self._client.patch(
            "v1", "ConfigMap", self._name, self._store.namespace, {"data": dict(changes)}
        )


def known_digests(data: Mapping[str, str]) -> Dict[str, str]:
    """Return the manifest digests by C(MODEL/VERSION) on which all entries of a record agree."""
    found: Dict[str, str] = {}
    for text in data.values():
        for name, digest in (_entry(text) or {"versions": {}})["versions"].items():
            found[name] = digest if found.get(name, digest) == digest else ""
    return {name: digest for name, digest in found.items() if digest}


def key_of(target: Target) -> str:
    """Return the key of a target's entry."""
    return target.node or VOLUME_KEY


def _text(identity: str, seen: Seen) -> str:
    body = {
        "form": FORM,
        "identity": identity,
        "versions": {
            f"{model}/{version}": digest for (model, version), digest in seen.versions.items()
        },
        "trust": dict(seen.trust),
    }
    return json.dumps(body, sort_keys=True)


def _entry(text: Any) -> Optional[Dict[str, Any]]:
    """Return a stored entry, C(None) when it cannot be read."""
    try:
        entry = json.loads(text)
        fits = entry["form"] == FORM and isinstance(entry["identity"], str)
    except (ValueError, TypeError, KeyError):
        return None
    fits = fits and all(isinstance(entry.get(name), dict) for name in ("versions", "trust"))
    return entry if fits else None
