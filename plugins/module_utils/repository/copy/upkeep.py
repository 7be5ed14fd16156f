# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and carries out changes to published versions: keep, repair and remove."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Sequence

from ...errors import ForbiddenError, UnsupportedError
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..content.manifest import Manifest
from ..content.ownership import expected_ownership
from ..content.state import Inventory, Key, believe
from ..options.argument_spec import NEEDS_AGENT
from ..options.task import Options
from ..plan.repair import Damage
from ..plan.retention import Retention, plan_retention
from ..plan.steps import Plan, Step, plan_present
from ..usage import in_use
from .sending import Sender
from .work import Incoming, Work


class Upkeep:
    """The rules of one task."""

    def __init__(self, client: KubeClient, options: Options, runtime: Runtime) -> None:
        self._client, self._options, self._runtime = client, options, runtime

    def plan(self, work: Work, manifests: Sequence[Manifest]) -> Plan:
        """Return the plan of a target, with the removals that follow publishing.

        Raises:
            InputError: other bytes under the same number, or damage that is not to be repaired.
            UnsupportedError: damage that this transport cannot repair.
        """
        name = work.target.name
        target, owner = work.target, self._options.helper.owner
        ownership = expected_ownership(target.store, owner, target.ids)
        plan = plan_present(name, manifests, work.remote, ownership, repair=self._options.repair)
        if plan.of("repair") and work.way.transport == "exec":
            raise UnsupportedError(
                NEEDS_AGENT,
                subject=name,
                hint="Give the account the right to create and update pods/proxy, or remove the"
                " damaged version (state: absent) and copy it again",
            )
        for step in (*plan.of("keep"), *plan.of("seal")):
            if step.damage is not None:
                self._warn(f"{name}: {step.damage}; repair: true sets that right")
        retention = self._retention(work, work.inventory, manifests)
        return replace(plan, steps=(*plan.steps, *retention.steps))

    def _retention(self, work: Work, there: Inventory, manifests: Sequence[Manifest]) -> Retention:
        """Return the versions to remove, and note those that are kept because they are in use."""
        retention = plan_retention(
            there.versions,
            [(item.model, item.version) for item in manifests],
            self._options.selection,
            self._options.rules,
            lambda keys: in_use.find_users(self._client, self._options.store, keys, self._warn),
        )
        work.retained = retention.retained
        for user in sorted({item.by for item in retention.retained if item.unclear}):
            self._warn(f"{work.target.name}: versions are kept because of {user}")
        return retention

    def _warn(self, text: str) -> None:
        if text not in self._runtime.warnings:
            self._runtime.warn(text)

    def retain(self, work: Work, manifests: Sequence[Manifest]) -> None:
        """Remove the planned versions, except those that have come into use meanwhile."""
        planned = work.todo.of("remove") if self._options.rules.asked else []
        if not planned:
            return
        retention = self._retention(work, work.way.inventory(), manifests)
        free = {step.key for step in retention.steps}
        going = [step for step in planned if step.key in free or step.key in work.removed]
        others = [step for step in work.todo.steps if step.action != "remove"]
        work.plan = replace(work.todo, steps=(*others, *going))
        for step in going:
            remove(work, step)

    def mend(self, work: Work, item: Incoming, damage: Damage, sender: Sender) -> None:
        """Repair a damaged version; a request whose answer was lost is not sent again."""
        if not (item.tried and self._is_mended(work, item)):
            if damage.files and item.staged_on is not work.channel:
                sender.bring(work, item)
            item.tried = True
            work.way.repair(item.manifest, damage.files, damage.modes, damage.extra)
        work.repaired.append(item.step.key)
        self._runtime.progress(f"{work.target.short}: repaired {damage}")

    def tell_damaged(self, works: Sequence[Work]) -> None:
        """Warn of published files that were found damaged when they were to be linked."""
        for work in works:
            for place in work.way.damaged:
                self._warn(
                    f"{work.target.name}: {place['model']}/{place['version']}/{place['path']} has"
                    " other bytes than were published, so new versions were not made of it;"
                    " model_repository_info with verify: true finds all such files, repair: true"
                    " restores them"
                )

    def tell_loaders(self, works: Sequence[Work]) -> None:
        """Warn which servers have to be restarted to load a repaired or swapped version.

        A server keeps a loaded model in memory, or maps the file that it opened, so it serves the
        old bytes until it loads the version again.
        """
        mended = [(work, key) for work in works for key in work.mended]
        if not mended:
            return
        there = {key for work, _key in mended for key in work.inventory.by_key()}
        keys = sorted({key for _work, key in mended})
        try:
            loaders = in_use.find_loaders(self._client, self._options.store, sorted(there), keys)
        except ForbiddenError as error:
            names = ", ".join(f"{model}/{version}" for model, version in keys)
            self._warn(
                f"{names} has other bytes; every server that had loaded it has to load it again"
                f" (nobody could look which ones: {error.message})"
            )
            return
        left: Dict[Key, List[str]] = {key: [] for key in keys}
        for work, key in mended:
            done = work.holders[key] if key in work.renewed else ()
            pods = {str(holder.place) for holder in done}
            uses = [use for use in loaders[key] if use.pod not in pods and work.sees(use.node)]
            work.loaders[key] = list(dict.fromkeys(map(str, uses)))
            left[key] += [name for name in work.loaders[key] if name not in left[key]]
        for key in keys:
            if left[key]:
                self._warn(
                    f"{key[0]}/{key[1]} has other bytes; what has loaded it goes on with the old"
                    f" ones until it loads it again (restart its pods): {', '.join(left[key])}"
                )

    @staticmethod
    def _is_mended(work: Work, item: Incoming) -> bool:
        before = work.inventory.by_key().get(item.step.key)
        now = work.way.inventory().by_key().get(item.step.key)
        known = believe(now) if now is not None and now != before else None
        return known is not None and known.manifest.digest == item.manifest.digest


def remove(work: Work, step: Step) -> None:
    """Remove a version, once."""
    if step.key not in work.removed:
        work.way.remove(step.model, step.version)
        work.removed.append(step.key)
