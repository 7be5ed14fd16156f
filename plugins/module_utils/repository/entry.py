# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of C(openvino.edge.model_repository): copies models to the stores of a cluster."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import List, Sequence

from ..kube.apply import Change
from ..kube.client import Access, KubeClient
from ..kube.planned import OPTION
from ..runtime import Params, Result, Runtime
from .copy import report
from .copy.delivery import Delivery
from .copy.early_end import nothing_to_do
from .copy.pulled import Pulled
from .copy.record import RecordBook, record_access
from .copy.task import Task
from .options.argument_spec import RECORD
from .options.pull import secret_access
from .options.task import ARGUMENT_SPEC, SPEC_RULES, Options, options_from_params
from .source.opening import opened
from .target import checks
from .trust.policy import Guard

__all__ = ["ARGUMENT_SPEC", "SPEC_RULES", "required_access", "run"]


def required_access(params: Params) -> List[Access]:
    """Return the rights this task needs; C(auto) is counted as C(agent)."""
    options = options_from_params(params, read_only=False)
    store = options.store
    own = checks.exec_access if options.transport == "exec" else checks.agent_access
    wanted = [*checks.common_access(store), *record_access(store), *own(store)]
    wanted += checks.guard_access(store, options.helper)
    wanted += secret_access(store, options.helper.secret)
    removes = options.absent or options.rules.asked
    wanted += checks.removal_access(store) if removes else []
    return wanted if options.absent else wanted + checks.store_access(store)


def run(params: Params, runtime: Runtime) -> Result:
    """Do the task; everything local is checked before the cluster is asked for anything.

    Raises:
        EdgeError: with C(details["changed"]) when something was published before.
    """
    started = time.monotonic()
    options = options_from_params(params, read_only=runtime.check_mode)
    with ExitStack() as stack:
        local = _delivery(options, runtime, stack)
        client = stack.enter_context(KubeClient.from_params(params))
        if runtime.check_mode and params.get(OPTION):
            client.foresee(params)
        book = RecordBook(client, options.store, keep=options.compare == RECORD, warn=runtime.warn)
        works = nothing_to_do(book, local, options)
        made: Sequence[Change] = ()
        if works is None:
            task = Task(client, options, runtime, local, book)
            works = task.run()
            made = task.made
        carrier = client.carrier
    result = report.result_of(
        works,
        local.manifests,
        check_mode=runtime.check_mode,
        seconds=time.monotonic() - started,
    )
    result["carrier"] = carrier
    result["volumes_made"] = [str(change) for change in made]
    result["changed"] = result["changed"] or bool(made) or local.unseen
    if runtime.diff:
        result["diff"] = report.diff_of(works, made)
    return result


def _delivery(options: Options, runtime: Runtime, stack: ExitStack) -> Delivery:
    """Return the delivery of the task; C(stack) closes its source."""
    if options.absent:
        return Delivery()
    guard = Guard(options.signature) if options.signature else None
    if options.pull is not None:
        pulled = Pulled(options.pull, options.selection, guard)
        pulled.warn_ignored(runtime)
        return pulled
    source = stack.enter_context(opened(options.src, options.selection, progress=runtime.progress))
    local = Delivery(source, options.selection, guard)
    local.warn_ignored(runtime)
    if guard or options.compare == RECORD:
        local.read(runtime)  # errors here end the task before a helper is started
    return local
