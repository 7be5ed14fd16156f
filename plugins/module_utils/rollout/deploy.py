# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.model_server: deploys the server and records the release.

The record is written before the first object changes, with the verdict C(unknown): a run that is
killed leaves a release that nobody takes for good. When the server is deployed the gate is asked,
and its verdict is written. A run that finds its release recorded as good writes nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional

from ..entry import merge_specs
from ..errors import ApiError, EdgeError, ForbiddenError, InputError, UnreachableError
from ..kube.client import KubeClient
from ..kube.types import Access
from ..releases import FAILED, GOOD, UNKNOWN, Pinned, Release
from ..repository.copy.record import known_digests, record_name
from ..runtime import Params, Result, Runtime
from ..server import entry as server
from ..server.apply.deploy import summary
from ..server.discover.live import read_objects
from ..server.plan.changes import real
from ..server.spec.server import ServerSpec
from ..server.values import dns_1035
from ..store import HostPathStore, PvcStore, directory_of
from .content import digest_of, recorded
from .history import History, reason_of
from .judge import Judgement, judge
from .options import RELEASE_ARGUMENT_SPEC, Keeping, keeping_from_params

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(server.ARGUMENT_SPEC, RELEASE_ARGUMENT_SPEC)
SPEC_RULES: Dict[str, Any] = server.SPEC_RULES

NOT_ENDED = "the run that made it has not ended"
NOT_WAITED = "the run that made it did not wait"


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses: ConfigMaps are those of a server as well."""
    return server.required_access(params)


@dataclass(frozen=True)
class WayBack:
    """The numbers of the release that a deployment puts back, and of the one that it leaves."""

    restores: int
    leaves: int


def run(params: Params, runtime: Runtime) -> Result:
    """Bring the server to the wanted state, and record the release.

    Raises:
        EdgeError: as C(server.entry.run) does.
        GateError: a first install does not serve what it should, and was removed again.
    """
    keeping = keeping_from_params(params)
    if params["state"] != "present":
        return _absent(params, runtime)
    if runtime.check_mode:
        return server.run(params, runtime)
    return deploy(params, runtime, keeping)


def is_recorded(params: Params, runtime: Runtime) -> bool:
    """Tell whether the newest release is what these options say, and has passed the gate.

    Then a run that has no object to change writes no record either.
    """
    keeping = keeping_from_params(params)
    if not keeping.history:
        return True
    with KubeClient.from_params(params) as client:
        spec = server.parsed(params, runtime).spec
        book = Book(client, params, spec, runtime, keeping, None)
        book.open()
    return book.is_good


def deploy(
    params: Params, runtime: Runtime, keeping: Keeping, way_back: Optional[WayBack] = None
) -> Result:
    """Deploy the server as its options say, and record the release; see C(run).

    With C(way_back) the gate is asked even if nothing was to be changed, and has to open.

    Raises:
        GateError: it does not.
    """
    begun = time.monotonic()
    parsed = server.parsed(params, runtime)
    with KubeClient.from_params(params) as client:
        fresh = keeping.removes and _is_new(client, parsed.spec)
        book = Book(client, params, parsed.spec, runtime, keeping, way_back)
        book.open()
        try:
            noted = replace(runtime, begins=book.begin)
            result = server.present(client, params, parsed, noted)
        except EdgeError as error:
            book.fail(error)
            if fresh and book.failed:
                _take_away(params, runtime, error)
            raise
        seconds = float(params["wait_timeout"]) - (time.monotonic() - begun)
        judgement = book.close(result, seconds)
    shut = judgement.error if judgement is not None else None
    if shut is not None and (way_back is not None or fresh and book.failed):
        shut.details["changed"] = result["changed"]
        if fresh and book.failed:
            _take_away(params, runtime, shut)
        raise shut
    result["release"] = book.told()
    return result


def _is_new(client: KubeClient, spec: ServerSpec) -> bool:
    """Tell whether nothing of the server is there; a missing right is named later."""
    try:
        return not read_objects(client, spec.namespace, spec.name)
    except EdgeError:
        return False


def _may_come(error: EdgeError) -> bool:
    """Tell whether a deployment that ended with an error may still serve: nobody waited longer."""
    if error.details.get("undone"):
        return False
    return isinstance(error, UnreachableError) or bool(error.details.get("timed_out"))


class Book:
    """Keeps the record of one deployment.

    Args:
        client: of the cluster.
        params: options of model_server.
        spec: the same, checked.
        runtime: warnings and progress.
        keeping: how releases are recorded.
        way_back: set if an earlier release is put back.

    Attributes:
        failed: what was deployed does not serve, and waiting would not help.
    """

    def __init__(
        self,
        client: KubeClient,
        params: Params,
        spec: ServerSpec,
        runtime: Runtime,
        keeping: Keeping,
        way_back: Optional[WayBack],
    ) -> None:
        self._client, self._params, self._spec = client, params, spec
        self._runtime, self._keeping = runtime, keeping
        self._history = History(client, spec.namespace, spec.name)
        self._wanted = _release(params, spec, keeping.run, way_back)
        self._goes_back = way_back is not None
        self._current: Optional[Release] = None
        self._mine = self._begun = False
        self.failed = False

    def open(self) -> None:
        """Read the newest record: this deployment is that release again, or a new one.

        A missing right is left to the checks of model_server, which names all of them.
        """
        if not self._keeping.history:
            return
        try:
            releases = self._history.read()
        except EdgeError:
            return
        newest = releases[-1] if releases else None
        if newest is not None and newest.digest == self._wanted.digest:
            self._current = newest

    @property
    def is_good(self) -> bool:
        """Whether this deployment is a release again that has passed the gate."""
        return self._current is not None and self._current.verdict == GOOD

    def begin(self) -> None:
        """Write the record of a new release before the first object changes."""
        self._begun = True
        if self._keeping.history and self._current is None:
            self._add(replace(self._wanted, verdict=UNKNOWN, reason=NOT_ENDED))

    def fail(self, error: EdgeError) -> None:
        """Write how the deployment ended, or drop the record if nothing was changed.

        A refusal came before the first change, unless it says otherwise. After any other error,
        such as a wait that was given up, objects have changed.
        """
        refused = isinstance(error, (InputError, ForbiddenError, ApiError))
        if self._begun and (error.details.get("changed") or not refused):
            self.failed = not _may_come(error)
            verdict = FAILED if self.failed else UNKNOWN
            self._write(Judgement(verdict, reason_of(error)))
        elif self._mine and self._current is not None:
            try:
                self._history.drop(self._current)
            except EdgeError as other:
                self._warn(other)

    def close(self, result: Mapping[str, Any], seconds: float) -> Optional[Judgement]:
        """Ask the gate about what was deployed, and write its verdict; None if nobody asks."""
        if self.is_good and not result["changed"] and not self._goes_back:
            return None
        if not (self._keeping.history or self._keeping.removes):
            return None
        judgement = self._asked(seconds)
        self.failed = judgement.verdict == FAILED
        self._write(judgement)
        return judgement

    def told(self) -> Optional[Dict[str, Any]]:
        """Return the release for the result; None if none is recorded."""
        current = self._current
        if current is None:
            return None
        if self.failed:
            self._runtime.warn(
                f"release {current.number} of {self._spec.namespace}/{self._spec.name} is recorded"
                f" as failed: {current.reason}"
            )
        return {
            "number": current.number,
            "verdict": current.verdict,
            "reason": current.reason,
            "restores": current.restores,
        }

    def _asked(self, seconds: float) -> Judgement:
        if not self._params["wait"]:
            return Judgement(UNKNOWN, NOT_WAITED)
        wanted = self._spec.wanted()
        if self._spec.config.own or not wanted:
            return Judgement(UNKNOWN, "nobody but its maker knows what its configuration serves")
        return judge(self._client, self._params, wanted, self._runtime, seconds)

    def _add(self, release: Release) -> None:
        try:
            digests = self._with_digests(release)
            self._current, self._mine = self._history.add(digests), True
        except ApiError as error:
            # The namespace is made by this very deployment; the record is written at its end.
            if error.status != 404 or release.reason != NOT_ENDED:
                self._warn(error)
        except EdgeError as error:
            self._warn(error)

    def _write(self, judgement: Judgement) -> None:
        """Write the verdict, with the record if there is none yet, and remove old records."""
        if not self._keeping.history:
            return
        verdict, reason = judgement.verdict, judgement.reason
        if self._current is None:
            self._add(replace(self._wanted, verdict=verdict, reason=reason))
        else:
            self._judge(replace(self._current, verdict=verdict, reason=reason))
        if self._mine:
            self._trim()

    def _judge(self, judged: Release) -> None:
        if judged == self._current:
            return
        try:
            self._history.judge(judged)
            self._current = judged
        except EdgeError as error:
            self._warn(error)

    def _trim(self) -> None:
        try:
            self._history.trim(self._keeping.history)
        except EdgeError as error:
            self._warn(error)

    def _warn(self, error: EdgeError) -> None:
        place = f"{self._spec.namespace}/{self._spec.name}"
        self._runtime.warn(f"the record of the release of {place} was not kept: {error}")

    def _with_digests(self, release: Release) -> Release:
        """Return the release with the digests that the record of the store knows."""
        store = self._spec.store
        if not isinstance(store, (PvcStore, HostPathStore)):
            return release
        found = self._client.get("v1", "ConfigMap", record_name(store), store.namespace)
        known = known_digests((found or {}).get("data") or {})
        return replace(release, models=tuple(_digested(item, known) for item in release.models))


def _digested(item: Pinned, known: Mapping[str, str]) -> Pinned:
    pairs = {str(number): known.get(f"{item.directory}/{number}", "") for number in item.versions}
    return replace(item, digests={number: digest for number, digest in pairs.items() if digest})


def _release(
    params: Params, spec: ServerSpec, run_name: str, way_back: Optional[WayBack]
) -> Release:
    options, withheld = recorded(params)
    on_store = isinstance(spec.store, (PvcStore, HostPathStore))
    return Release(
        number=0,
        server=spec.name,
        digest=digest_of(options, withheld),
        options=options,
        withheld=withheld,
        models=tuple(
            Pinned(model.directory or directory_of(model.name), model.name, model.versions)
            for model in spec.models
        ),
        store=str(spec.store) if on_store else "",
        image=spec.image,
        run=run_name,
        restores=way_back.restores if way_back else None,
        leaves=way_back.leaves if way_back else None,
        own_config=bool(spec.config.own),
    )


def _take_away(params: Params, runtime: Runtime, error: EdgeError) -> None:
    """Remove a first install that failed; the error says so."""
    try:
        server.run({**params, "state": "absent"}, Runtime(progress=runtime.progress))
    except EdgeError as other:
        error.message += f"; it was to be removed again, but: {reason_of(other)}"
        error.details["changed"] = True
        return
    error.details.update(changed=True, removed=True)
    error.message += "; it was the first install, and all of it was removed again"
    error.hint = " ".join(
        part for part in (error.hint and f"{error.hint}.", "failed_install: keep leaves it") if part
    )


def _absent(params: Params, runtime: Runtime) -> Result:
    """Remove or give back the server, and its release records with it."""
    result = server.run(params, runtime)
    name = dns_1035(params["name"], "name")
    with KubeClient.from_params(params) as client:
        changes = History(client, params["namespace"], name).remove(check_mode=runtime.check_mode)
    gone = [real(change) for change in changes if change.changed]
    result["objects"] = [*result["objects"], *summary(gone)]
    result["changed"] = bool(result["changed"] or gone)
    return result
