# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task does to versions that are published already: keeps, repairs or removes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from ansible_collections.openvino.edge.plugins.module_utils.errors import UnsupportedError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository import usage
from ansible_collections.openvino.edge.plugins.module_utils.repository.fleet import Incoming, Work
from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import Manifest
from ansible_collections.openvino.edge.plugins.module_utils.repository.options import Options
from ansible_collections.openvino.edge.plugins.module_utils.repository.ownership import (
    expected_ownership,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan import (
    Plan,
    Step,
    plan_present,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.repair import (
    NEEDS_AGENT,
    Damage,
    repair_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.retention import (
    Retention,
    plan_retention,
    rules_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.sending import Sender
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    Inventory,
    believe,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Params, Runtime


class Upkeep:
    """The rules of one task.

    Attributes:
        removes: whether the rules may remove anything.
        repair: whether damaged versions are restored.

    Raises:
        InputError: options that do not fit together.
    """

    def __init__(
        self, client: KubeClient, options: Options, runtime: Runtime, params: Params
    ) -> None:
        self._client, self._options, self._runtime = client, options, runtime
        self._rules = rules_from_params(params)
        self.removes = self._rules.asked
        self.repair = repair_from_params(params)

    def plan(self, work: Work, manifests: Sequence[Manifest]) -> Plan:
        """Return what has to happen on a target, with what goes afterwards.

        Raises:
            InputError: other bytes under the same number, or damage that is not to be repaired.
            UnsupportedError: damage that this transport cannot repair.
        """
        name = work.target.name
        target, owner = work.target, self._options.helper.owner
        ownership = expected_ownership(target.store, owner, target.ids)
        plan = plan_present(name, manifests, work.remote, ownership, repair=self.repair)
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
        """Return what goes, and remember what only stays because it is used."""
        retention = plan_retention(
            there.versions,
            [(item.model, item.version) for item in manifests],
            self._options.selection,
            self._rules,
            lambda keys: usage.find_users(self._client, self._options.store, keys, self._warn),
        )
        work.retained = retention.retained
        for user in sorted({item.by for item in retention.retained if item.unclear}):
            self._warn(f"{work.target.name}: versions are kept because of {user}")
        return retention

    def _warn(self, text: str) -> None:
        if text not in self._runtime.warnings:
            self._runtime.warn(text)

    def retain(self, work: Work, manifests: Sequence[Manifest]) -> None:
        """Remove what was planned, unless somebody began to use it: all is published now."""
        planned = work.todo.of("remove") if self.removes else []
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
        """Put right what is damaged; a request whose answer got lost is not sent again."""
        if not (item.tried and self._is_mended(work, item)):
            if damage.files and item.staged_on is not work.channel:
                sender.bring(work, item)
            item.tried = True
            work.way.repair(item.manifest, damage.files, damage.modes, damage.extra)
        work.repaired.append(item.step.key)
        self._runtime.progress(f"{work.target.short}: repaired {damage}")

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
