# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout
type: aggregate
short_description: Show how a rollout goes, and write a report of it
version_added: 0.1.0
description:
  - Runs beside the callback that prints the tasks, and follows what the playbooks and roles of
    this collection do on each cluster.
  - On a terminal two lines at its foot tell how many clusters are in which phase, the bytes, their
    rate, the time left and what is spent of the failures that are allowed. They change when a task
    begins or ends. Elsewhere, for example in CI and in AWX, there is one line for each new state of
    a cluster or a wave.
  - At the end of the playbook it writes C(report.json), C(junit.xml), C(metrics.prom) and
    C(report.html) into O(report_dir), each whole or not at all.
  - Takes only fields that it knows from results, and those have no secrets. An error of the
    callback is one warning and never ends a play; C(complete) in the report is then
    V(false).
  - Works for any play with modules of this collection. Without waves, each host of the play is a
    cluster, which is done if the play ends without a failure on it.
requirements:
  - enable it, for example with C(callbacks_enabled = openvino.edge.rollout) in C(ansible.cfg)
options:
  report_dir:
    description:
      - Directory for the report; it is made if it is missing. A report that lies there is replaced.
      - Without it, no report is written.
    type: path
    env:
      - name: EDGE_REPORT_DIR
    ini:
      - section: openvino_edge
        key: report_dir
  live:
    description:
      - V(auto) keeps two lines at the foot of a terminal, unless C(CI) is set or ansible-runner
        runs the play. V(never) prints lines there, too.
    type: str
    choices:
      - auto
      - never
    default: auto
    env:
      - name: EDGE_ROLLOUT_LIVE
    ini:
      - section: openvino_edge
        key: live
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
# In ansible.cfg:
#
# [defaults]
# callbacks_enabled = openvino.edge.rollout
#
# [openvino_edge]
# report_dir = reports/newest
#
# For one run, with a directory of its own:
#
# ANSIBLE_CALLBACKS_ENABLED=openvino.edge.rollout EDGE_REPORT_DIR=reports/$(date +%F-%H%M%S) \
#   ansible-playbook openvino.edge.site -i fleet.yml
"""

import functools
import json
import os
import time
from typing import Any, Callable, List, Mapping, Optional, TypeVar, cast

from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible_collections.openvino.edge.plugins.plugin_utils.report import collect, files, lines
from ansible_collections.openvino.edge.plugins.plugin_utils.report.document import document
from ansible_collections.openvino.edge.plugins.plugin_utils.report.fields import name as plain
from ansible_collections.openvino.edge.plugins.plugin_utils.report.foot import Foot
from ansible_collections.openvino.edge.plugins.plugin_utils.report.junit import junit
from ansible_collections.openvino.edge.plugins.plugin_utils.report.model import Report
from ansible_collections.openvino.edge.plugins.plugin_utils.report.page import page
from ansible_collections.openvino.edge.plugins.plugin_utils.report.prometheus import prometheus

OURS = "openvino.edge."
SHORT = {action.rpartition(".")[2] for action in collect.ACTIONS}
Method = TypeVar("Method", bound=Callable[..., None])


def guarded(method: Method) -> Method:
    """Turn an error of a method into a warning, the first one of a run only.

    Ansible itself would warn at each event, and stumble over the foot of the terminal.
    """

    @functools.wraps(method)
    def run(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:
            self.stumble(error)

    return cast(Method, run)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """The class that Ansible loads."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "openvino.edge.rollout"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._begin = time.monotonic()
        self._collector = collect.Collector(Report("", time.time()))
        self._foot: Optional[Foot] = None
        self._warned = False

    def stumble(self, error: Exception) -> None:
        """Warn of an error of the callback, once."""
        self._collector.report.complete = False
        if not self._warned:
            self._warned = True
            self._display.warning(
                f"openvino.edge.rollout: {type(error).__name__}: {error}. The play goes on, what"
                " is shown of it and its report may lack something."
            )

    @guarded
    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Begin the run."""
        self._begin = time.monotonic()
        report = Report(
            playbook=plain(os.path.basename(str(playbook._file_name))),
            began=time.time(),
            check_mode=bool(context.CLIARGS.get("check")),
        )
        self._collector = collect.Collector(report)
        if self.get_option("live") == "auto":
            self._foot = Foot.of_terminal(self._draw)

    @guarded
    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Keep the hosts of the play, also of later batches."""
        inventory = play.get_variable_manager()._inventory
        hosts = inventory.get_hosts(play.hosts, ignore_restrictions=True)
        self._collector.play([host.get_name() for host in hosts])

    @guarded
    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Take the begin of a task on a host."""
        action = _action(task)
        if action.startswith(OURS):
            checking = bool(task.check_mode) and not self._collector.report.check_mode
            self._collector.begun(_name(host), action, checking, self._now())
            self._tell()

    @guarded
    def v2_runner_on_ok(self, result: Any) -> None:
        """Take the result of a task that went well."""
        self._ok(result)

    @guarded
    def v2_runner_on_skipped(self, result: Any) -> None:
        """Take it that a task was skipped."""
        if _action(result._task).startswith(OURS):
            self._collector.skipped(_name(result._host), self._now())

    @guarded
    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Take a failed task; one that the play ignores is no failure of the cluster."""
        if ignore_errors:
            self._ok(result)
            return
        host, action, now = _name(result._host), _action(result._task), self._now()
        for item in _items(result._result, failed=True):
            self._engine(host, action, item)
            self._collector.failed(host, action, result._task.get_name(), item, now)
        self._tell()

    @guarded
    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Take a host that cannot be reached."""
        task = result._task.get_name()
        self._collector.unreachable(_name(result._host), task, result._result, self._now())
        self._tell()

    @guarded
    def v2_playbook_on_stats(self, stats: Any) -> None:
        """End the run: the last line, and the report."""
        self._collector.finish([*stats.failures, *stats.dark], self._now())
        if self._foot is not None:
            self._foot.close()
            self._foot = None
        self._tell()
        self._write()

    def _ok(self, result: Any) -> None:
        action = _action(result._task)
        if not action.startswith(OURS):
            return
        host = _name(result._host)
        for item in _items(result._result):
            self._engine(host, action, item)
            self._collector.ended(host, action, item, self._now())
        self._tell()

    def _engine(self, host: str, action: str, result: Mapping[str, Any]) -> None:
        """Take the word of the actions that lead a rollout."""
        if action == collect.PLAN:
            self._collector.plan(result)
        elif action == collect.CLUSTER:
            self._collector.cluster(host, result, self._now())
        elif action == collect.LOOK:
            self._collector.look(result, self._now())
        elif action == collect.TURNS:
            self._collector.turns(result, self._now())
        elif action == collect.GATE:
            self._collector.gate(result, self._now())
        elif action == collect.END:
            self._collector.end(result, self._now())
        elif action == collect.FLEET:
            self._collector.fleet(result, self._now())

    def _now(self) -> float:
        return time.monotonic() - self._begin

    def _tell(self) -> None:
        """Print what is new; on a terminal the lines at its foot count the rest."""
        report = self._collector.report
        for change in self._collector.news():
            line = lines.line(report, change, brief=self._foot is not None)
            if line:
                self._display.display(line)
        if self._foot is not None and report.clusters:
            now = self._now()
            copying = self._collector.copying(now)
            self._foot.show(lambda width: lines.status(report, now, copying, width))

    def _draw(self, text: str) -> None:
        self._display.display(text, screen_only=True, newline=False)

    def _write(self) -> None:
        directory = self.get_option("report_dir")
        report = self._collector.report
        if not directory or not report.clusters:
            return
        made = document(report)
        files.write(
            directory,
            {
                "report.json": json.dumps(made, indent=1) + "\n",
                "junit.xml": junit(made),
                "metrics.prom": prometheus(made),
                "report.html": page(made),
            },
        )
        self._display.display(f"{lines.HEAD}report in {directory}")


def _name(host: Any) -> str:
    return str(host.get_name())


def _action(task: Any) -> str:
    """Return the full name of the task's action.

    ansible-core 2.19 and later warn who asks for C(resolved_action) where a template is left, so it
    is asked only for a short name of ours.
    """
    action = str(task.action)
    if action in SHORT:
        return str(getattr(task, "resolved_action", None) or action)
    short = action.rpartition(".")[2]
    return f"ansible.builtin.{short}" if action == f"ansible.legacy.{short}" else action


def _items(result: Mapping[str, Any], failed: bool = False) -> List[Mapping[str, Any]]:
    """Return the results of a task: one, or one for each item of its loop."""
    found = result.get("results")
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    chosen: List[Mapping[str, Any]] = [item for item in items if item.get("failed") or not failed]
    return chosen or [result]
