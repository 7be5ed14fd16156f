# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(openvino.edge.model_repository): a local repository onto the stores of one cluster."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import List, Optional, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import Change
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import Access, KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository import preflight, report
from ansible_collections.openvino.edge.plugins.module_utils.repository.local import Local
from ansible_collections.openvino.edge.plugins.module_utils.repository.options import (
    ARGUMENT_SPEC,
    SPEC_RULES,
    Options,
    options_from_params,
    required_names,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.pull.options import (
    pull_access,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.pull.pulled import Pulled
from ansible_collections.openvino.edge.plugins.module_utils.repository.record import (
    RECORD,
    RecordBook,
    record_access,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.retention import (
    rules_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.settled import settled
from ansible_collections.openvino.edge.plugins.module_utils.repository.sources.opening import opened
from ansible_collections.openvino.edge.plugins.module_utils.repository.task import Task
from ansible_collections.openvino.edge.plugins.module_utils.repository.trust.guard import Guard
from ansible_collections.openvino.edge.plugins.module_utils.runtime import (
    Params,
    Result,
    Runtime,
)

__all__ = ["ARGUMENT_SPEC", "SPEC_RULES", "required_access", "run"]


def required_access(params: Params) -> List[Access]:
    """Return the rights this task needs; C(auto) is counted as C(agent)."""
    options = options_from_params(params, read_only=False)
    store = options.store
    own = preflight.exec_access if options.transport == "exec" else preflight.agent_access
    wanted = [*preflight.common_access(store), *record_access(store), *own(store)]
    wanted += pull_access(store, params)
    removes = params["state"] == "absent" or rules_from_params(params).asked
    wanted += preflight.removal_access(store) if removes else []
    return wanted + (preflight.store_access(store) if params["state"] == "present" else [])


def run(params: Params, runtime: Runtime) -> Result:
    """Do the task; everything local is checked before the cluster is asked for anything.

    Raises:
        EdgeError: with C(details["changed"]) when something was published before.
    """
    started = time.monotonic()
    options = options_from_params(params, read_only=runtime.check_mode)
    with ExitStack() as stack:
        local = _local(params, options, runtime, stack)
        client = stack.enter_context(KubeClient.from_params(params))
        book = RecordBook(client, options.store, keep=options.compare == RECORD, warn=runtime.warn)
        works = settled(book, local, options, params)
        made: Sequence[Change] = ()
        if works is None:
            task = Task(client, options, runtime, local, params, book)
            works = task.run()
            made = task.made
    result = report.result_of(
        works,
        local.manifests,
        check_mode=runtime.check_mode,
        seconds=time.monotonic() - started,
    )
    result["volumes_made"] = [str(change) for change in made]
    result["changed"] = result["changed"] or bool(made)
    if runtime.diff:
        result["diff"] = report.diff_of(works, made)
    return result


def _local(params: Params, options: Options, runtime: Runtime, stack: ExitStack) -> Local:
    """Return what is to be sent; C(stack) closes it again."""
    if params["state"] == "absent":
        required_names(options.selection)
        return Local()
    guard: Optional[Guard] = Guard.from_params(params)
    if options.pull is not None:
        pulled = Pulled(options.pull, options.selection, guard)
        pulled.warn_ignored(runtime)
        return pulled
    source = stack.enter_context(
        opened(str(params["src"]), options.selection, progress=runtime.progress)
    )
    local = Local(source, options.selection, guard)
    local.warn_ignored(runtime)
    if guard or options.compare == RECORD:
        local.read(runtime)  # these may end the task before a helper is started
    return local
