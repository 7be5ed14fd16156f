# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a release record, and which releases a way back needs. Pure.

A release is what one server was told to run. Its record is a ConfigMap in the server's namespace,
one for each release. C(rollout) writes and reads records; C(repository) asks which of them keep a
model version on the store.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

# The label's value is the number of the release; the other one names its server.
RELEASE_LABEL = "openvino.edge/release"
RELEASE_OF_LABEL = "openvino.edge/release-of"
RELEASE_KEY = "release.json"
FORM = 1

GOOD, FAILED, UNKNOWN = "good", "failed", "unknown"


class UnreadableRecord(Exception):
    """The text is no release record of this form."""


@dataclass(frozen=True)
class Pinned:
    """The versions of one model that a release serves.

    Attributes:
        directory: of the model on the store.
        name: under which it is served.
        versions: empty: the server chooses among those that are there.
        digests: of the manifests, by version, as far as they are known.
    """

    directory: str
    name: str
    versions: Tuple[int, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Release:
    """One recorded release of one server.

    Attributes:
        number: from 1, ascending.
        server: its name.
        digest: of the options; two releases with the same digest are the same server.
        options: of model_server, without those that say where the cluster is or hold a secret.
        withheld: dotted paths of the options that were left out since they hold a secret.
        models: what is served, as far as versions are pinned.
        store: the place of the models, in words; empty if no store of the collection is used.
        image: of OVMS.
        run: who or what made it, as the caller says.
        verdict: C(good) once the gate has passed, C(failed), or C(unknown).
        reason: why it is not good, one line.
        restores: number of the release that was put back with it.
        leaves: number of the release that was left by that.
        own_config: the configuration is not ours, so the record does not have it.
        when: creation time of the record by the API server's clock.
    """

    number: int
    server: str
    digest: str
    options: Mapping[str, Any] = field(default_factory=dict)
    withheld: Tuple[str, ...] = ()
    models: Tuple[Pinned, ...] = ()
    store: str = ""
    image: str = ""
    run: str = ""
    verdict: str = UNKNOWN
    reason: str = ""
    restores: Optional[int] = None
    leaves: Optional[int] = None
    own_config: bool = False
    when: str = ""


def to_text(release: Release) -> str:
    """Return the text of a record; the same release always gives the same bytes."""
    body = {
        "form": FORM,
        "number": release.number,
        "server": release.server,
        "digest": release.digest,
        "options": release.options,
        "withheld": list(release.withheld),
        "models": [
            {
                "name": item.directory,
                "served": item.name,
                "versions": list(item.versions),
                "digests": dict(item.digests),
            }
            for item in release.models
        ],
        "store": release.store,
        "image": release.image,
        "run": release.run,
        "verdict": release.verdict,
        "reason": release.reason,
        "restores": release.restores,
        "leaves": release.leaves,
        "own_config": release.own_config,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def from_text(text: str, when: str = "") -> Release:
    """Return the release of a record.

    Raises:
        UnreadableRecord: it is none, or of another form.
    """
    try:
        body = json.loads(text)
        if body["form"] != FORM or body["verdict"] not in (GOOD, FAILED, UNKNOWN):
            raise UnreadableRecord(f"it has the form {body['form']}")
        return Release(
            number=int(body["number"]),
            server=str(body["server"]),
            digest=str(body["digest"]),
            options=dict(body["options"]),
            withheld=tuple(str(item) for item in body["withheld"]),
            models=tuple(_pinned(item) for item in body["models"]),
            store=str(body["store"]),
            image=str(body["image"]),
            run=str(body["run"]),
            verdict=str(body["verdict"]),
            reason=str(body["reason"]),
            restores=_number(body["restores"]),
            leaves=_number(body["leaves"]),
            own_config=bool(body["own_config"]),
            when=when,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableRecord("it is no record of a release") from error


def _pinned(item: Mapping[str, Any]) -> Pinned:
    return Pinned(
        str(item["name"]),
        str(item["served"]),
        tuple(int(version) for version in item["versions"]),
        {str(version): str(digest) for version, digest in item["digests"].items()},
    )


def _number(value: Any) -> Optional[int]:
    return None if value is None else int(value)


def of_object(item: Mapping[str, Any]) -> Release:
    """Return the release of a ConfigMap.

    Raises:
        UnreadableRecord: it has no record of this form.
    """
    text = (item.get("data") or {}).get(RELEASE_KEY)
    when = str(item["metadata"].get("creationTimestamp") or "")
    return from_text(str(text or ""), when)


def last_good(releases: Sequence[Release]) -> Optional[Release]:
    """Return the release to go back to, None if there is none.

    Of C(releases), those of one server in any order, the one with the highest number is what the
    server was told last. If that was itself a way back and is good, it is the answer, so that going
    back twice changes nothing. If it was a way back that came to no verdict, as that of a run that
    was killed, it is gone again. Else it is the newest good one before it that is another server
    and that nobody has gone back from.
    """
    ordered = sorted(releases, key=lambda item: item.number)
    if not ordered:
        return None
    newest = ordered[-1]
    if newest.restores is not None and newest.verdict == GOOD:
        return newest
    if newest.restores is not None and newest.verdict == UNKNOWN:
        for item in ordered:
            if item.number == newest.restores and item.verdict == GOOD:
                return item
    left: Set[int] = {item.leaves for item in ordered if item.leaves is not None}
    for item in reversed(ordered[:-1]):
        if item.verdict == GOOD and item.digest != newest.digest and item.number not in left:
            return item
    return None


def needed(releases: Sequence[Release]) -> FrozenSet[int]:
    """Return the numbers of the releases of one server whose model versions have to stay.

    They are the newest one and the one to go back to from it.
    """
    if not releases:
        return frozenset()
    newest = max(item.number for item in releases)
    back = last_good(releases)
    return frozenset({newest} if back is None else {newest, back.number})


def needed_objects(items: Sequence[Mapping[str, Any]], store: str) -> List[Mapping[str, Any]]:
    """Return the ConfigMaps of release records that keep model versions on a store.

    Records that cannot be read are among them: nobody knows what they need. C(store) is the store
    in words; records of servers on another one of the same kind are left out.
    """
    by_server: Dict[str, Dict[int, Mapping[str, Any]]] = {}
    releases: Dict[str, List[Release]] = {}
    found: List[Mapping[str, Any]] = []
    for item in items:
        server = (item["metadata"].get("labels") or {}).get(RELEASE_OF_LABEL)
        try:
            release = of_object(item)
        except UnreadableRecord:
            found.append(item)
            continue
        server = f"{item['metadata'].get('namespace')}/{server or release.server}"
        by_server.setdefault(server, {})[release.number] = item
        releases.setdefault(server, []).append(release)
    for server, held in releases.items():
        keep = needed(held)
        found += [
            by_server[server][release.number]
            for release in held
            if release.number in keep and _may_be_on(release.store, store)
        ]
    return found


def _may_be_on(recorded: str, store: str) -> bool:
    """Tell whether a server's models may be on a store.

    A claim and a directory of the nodes may be the same place, two claims or two directories are
    taken as two places.
    """
    if not recorded:
        return False
    return recorded == store or recorded.split(" ")[0] != store.split(" ")[0]
