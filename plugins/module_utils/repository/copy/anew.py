# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes servers load a version again whose number they have loaded, with other bytes.

OVMS 2026.3.0, seen running: the files of a loaded version are never read again, whatever happens
to them, not even by a reload. They are once the directory of the version was gone at one look of
the server, which then says END for it. Where the directory of the model is gone as well it keeps
everything as it is, and says AVAILABLE. So, before a version becomes visible, each server that
has loaded its number is told to look until it says END, or it stays invisible.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Dict, Iterable, List, Sequence, Tuple

from ...errors import EdgeError, ForbiddenError, GateError
from ...kube.client import Access, KubeClient
from ...runtime import Runtime
from ..content.state import Key
from ..options.task import Options
from ..transport.choose import EXEC
from ..usage import holders as usage_holders
from ..usage.holders import Holder
from ..usage.references import Unclear
from ..usage.survey import loaded_by
from .work import Work

RELOAD_PATH = "/v1/config/reload"
# OVMS answers when it has loaded what there is; a request that is cut off is carried out.
RELOAD_SECONDS = 60.0
PATIENCE = 180.0  # seconds in which a server that loads other models comes to look
PAUSE = 1.0
KEEP_SECONDS = 3.0  # between two signs of life for the helper


class Anew:
    """Finds those servers, and makes them load what is published.

    Args:
        client: of the cluster.
        options: of the task.
        runtime: for warnings and progress.
    """

    def __init__(self, client: KubeClient, options: Options, runtime: Runtime) -> None:
        self._client, self._options, self._runtime = client, options, runtime
        self._answers: Dict[str, str] = {}

    def look(self, works: Sequence[Work]) -> None:
        """Find the servers that have loaded a number that will be published or repaired.

        Raises:
            ForbiddenError: one has loaded what will be published, and may not be told to reload.
        """
        keys = {key for work in works for key in (*_published(work), *work.mended)}
        found = self._holders(sorted(keys))
        for work in works:
            keys_here = [*_published(work), *work.mended]
            work.holders = {key: _of(found, work, key) for key in keys_here}
            work.renewed = [key for key in work.mended if self._can_renew(work, key)]
        self._check_rights(works)
        for work in works:
            for key in _published(work):
                self._warn_silent(work, key, found)

    def _holders(self, keys: Sequence[Key]) -> List[Holder]:
        if not keys:
            return []
        try:
            return usage_holders.find_holders(self._client, self._options.store, keys)
        except ForbiddenError as error:
            self._warn(
                f"nobody could look which servers have loaded {_names(keys)} with other bytes:"
                f" {error.message}"
            )
            return []

    def _check_rights(self, works: Sequence[Work]) -> None:
        for work in works:
            for key in _published(work):
                missing = self._missing(work.holders[key])
                if missing:
                    raise ForbiddenError(
                        f"{_name(key)} is loaded with other bytes by {_pods(work.holders[key])},"
                        " and the account may not tell servers there to load it again",
                        option="src",
                        subject=work.target.name,
                        hint=f"Publish under a new version number, or grant {missing[0]}, or"
                        " delete these pods first",
                        details={"missing": [str(item) for item in missing]},
                    )

    def _missing(self, holders: Sequence[Holder]) -> List[Access]:
        """Return the rights to tell servers to look that the account lacks."""
        wanted = sorted({holder.place.namespace for holder in holders})
        return list(self._client.denied([_right(name) for name in wanted])) if wanted else []

    def _warn_silent(self, work: Work, key: Key, found: Sequence[Holder]) -> None:
        silent = [item for item in found if key in item.maybe and work.sees(item.node)]
        if silent:
            self._warn(
                f"{_name(key)}: if a version of this number was there before, {_pods(silent)} may"
                f" go on with it until its pod is replaced: {silent[0].fault}"
            )

    def retire(self, work: Work, key: Key) -> None:
        """Take a version out of sight until no server of its target has it loaded any more.

        Raises:
            GateError: one goes on with it.
        """
        holders = work.holders.get(key) or []
        if not holders:
            return
        work.way.set_aside(*key)
        self._runtime.progress(
            f"{work.target.short}: {_pods(holders)} has other bytes of {_name(key)} loaded"
        )
        deadline = time.monotonic() + PATIENCE
        left = [holder for holder in holders if self._has(holder, key)]
        while left:
            self._tell(work, left)
            left = [holder for holder in left if self._has(holder, key)]
            if left and time.monotonic() > deadline:
                raise self._kept(work, key, left)
            if left:
                work.way.ping()
                time.sleep(PAUSE)

    def load(self, work: Work, keys: Iterable[Key]) -> None:
        """Tell the servers that have let go of versions to load what is there now."""
        holders = {item.place: item for key in keys for item in work.holders.get(key) or ()}
        if holders:
            self._tell(work, list(holders.values()))

    def renew(self, work: Work) -> None:
        """Make the servers of a target load the versions that were repaired or swapped.

        Raises:
            GateError: one goes on with what it has loaded; the version is back in its place.
        """
        found = self._holders(work.mended)
        for key in work.mended:
            work.holders[key] = _of(found, work, key)
        keys = [key for key in work.mended if self._can_renew(work, key)]
        work.renewed = []
        if not keys:
            return
        try:
            for key in keys:
                self.retire(work, key)
                work.renewed.append(key)
        finally:
            work.way.put_back()
            self.load(work, keys)

    def _can_renew(self, work: Work, key: Key) -> bool:
        holders = work.holders[key]
        return bool(holders) and work.way.transport != EXEC and not self._missing(holders)

    def _tell(self, work: Work, holders: Sequence[Holder]) -> None:
        """Send servers to look at their files; the helper hears from us meanwhile."""
        pool = ThreadPoolExecutor(max(1, len(holders)))
        try:
            rest = {pool.submit(self._reload, holder) for holder in holders}
            while rest:
                _done, rest = wait(rest, timeout=KEEP_SECONDS)
                work.way.ping()
        finally:
            pool.shutdown(wait=False)

    def _reload(self, holder: Holder) -> None:
        """Tell one server to look; its answer decides nothing, but tells what went wrong.

        It is an error as long as any model of the server is wrong.
        """
        place = holder.place
        try:
            answer = self._client.pod_proxy(
                place.namespace, place.pod, place.port, "POST", RELOAD_PATH, timeout=RELOAD_SECONDS
            )
            text = " ".join(answer.body.decode("utf-8", "replace").split())
            told = f"HTTP {answer.status} {text}" if answer.status >= 400 else ""
        except EdgeError as error:
            told = error.message
        self._answers[str(place)] = told

    def _has(self, holder: Holder, key: Key) -> bool:
        """Return whether a server still has a version; one that ends has not."""
        try:
            held = loaded_by(self._client, holder.place)
        except (EdgeError, Unclear):
            return self._lives(holder)
        return any(version == key[1] and name in holder.names[key] for name, version in held)

    def _lives(self, holder: Holder) -> bool:
        place = holder.place
        pods, _version = self._client.list(
            "v1", "Pod", place.namespace, field_selector=f"metadata.name={place.pod}"
        )
        return any(
            item["metadata"]["name"] == place.pod and not item["metadata"].get("deletionTimestamp")
            for item in pods
        )

    def _kept(self, work: Work, key: Key, left: Sequence[Holder]) -> GateError:
        answers = [self._answers.get(str(holder.place)) for holder in left]
        told = next((f"; told to reload, it says: {text}" for text in answers if text), "")
        names = " ".join(holder.place.pod for holder in left)
        return GateError(
            f"{_pods(left)} has {_name(key)} loaded with other bytes and does not let go of it"
            f" within {PATIENCE:.0f} s{told}",
            subject=work.target.name,
            hint="Publish under a new version number, or replace the pods (kubectl delete pod -n"
            f" {left[0].place.namespace} {names}) and run again: what was sent is still there",
            details={"pods": [str(holder.place) for holder in left]},
        )

    def _warn(self, text: str) -> None:
        if text not in self._runtime.warnings:
            self._runtime.warn(text)


def told_anew(work: Work) -> List[Dict[str, object]]:
    """Return, for the result, the versions that running servers load again, and their pods."""
    keys = [*_published(work), *(key for key in work.mended if key in work.renewed)]
    return [
        {
            "model": key[0],
            "version": key[1],
            "pods": [f"pod {holder.place}" for holder in work.holders[key]],
        }
        for key in sorted(keys)
        if work.holders.get(key)
    ]


def _published(work: Work) -> List[Key]:
    return [step.key for step in work.todo.of("publish")]


def _of(found: Sequence[Holder], work: Work, key: Key) -> List[Holder]:
    return [holder for holder in found if key in holder.names and work.sees(holder.node)]


def _right(namespace: str) -> Access:
    return Access("create", "", "pods", "proxy", namespace=namespace)


def _pods(holders: Sequence[Holder]) -> str:
    names: Tuple[str, ...] = tuple(str(holder.place) for holder in holders)
    return f"{'pod' if len(names) == 1 else 'pods'} {', '.join(names)}"


def _name(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def _names(keys: Sequence[Key]) -> str:
    return ", ".join(_name(key) for key in keys)
