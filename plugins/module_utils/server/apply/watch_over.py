# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervises one change: models that served before must serve after it, or it is rolled back.

Steps: C(begin) reads the served models; C(stage) lets new pinned versions serve with the old;
C(first_step) holds a rollout until its first new pod serves; C(prove) sees that every pod has
loaded the configuration and serves; C(check_ours) that nobody else has changed the objects.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set

from ...errors import ConflictError, EdgeError, ForbiddenError, WaitError, one_line
from ...kube.apply import delete_objects
from ...kube.client import KubeClient
from ...runtime import Runtime
from ...verify.marker import marker_of
from ...verify.replicas import Target, find_fleet, rest_port_of
from ..backends.names import made_from
from ..backends.select import Pods
from ..plan.diff import Key, covers, key_of
from ..plan.restart import parsed
from ..plan.staging import stage_between
from ..render import kinds
from ..render.config import CONFIG_FILE, config_map_name, is_marked, marked_text
from ..render.identity import Object, with_input_hash
from ..spec.backend import CONTROLLED
from ..spec.server import ServerSpec
from ..status.progress import leaving, ready_pods
from ..status.retry import Attempts
from . import hold, undo
from .adopt import Adoption
from .guard import GateShut, Guard
from .reload import NOT_PROVEN, NOT_TAKEN, Reload

# Kinds that run pods, or decide which models they serve.
_MATTERS = (*undo.KINDS,)


class Watch:
    """The supervision of one change of one server.

    Args:
        client: of the cluster.
        spec: the server.
        pods: its pods.
        adoption: sends the objects.
        runtime: progress.
        timeout: seconds for all of it; as many again to see the old state serve after a failure.
        puts_back: what does not serve in time is rolled back.
    """

    def __init__(
        self,
        client: KubeClient,
        spec: ServerSpec,
        pods: Pods,
        adoption: Adoption,
        runtime: Runtime,
        timeout: float,
        *,
        puts_back: bool = True,
    ) -> None:
        self._client = client
        self._spec = spec
        self._pods = pods
        self._adoption = adoption
        self._runtime = runtime
        self._guard = Guard(client, pods.pod_spec, runtime)
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._before: Dict[Key, Object] = {}
        self._staged: Optional[Object] = None
        self._old: Set[str] = set()
        self._present: Set[str] = set()
        self._text = ""
        self._held = False
        self._puts_back = puts_back
        # Whether any pod served, or at least was ready, when the change began.
        self._had_ready = False
        self._proven = False
        # Workloads that the change removes; where the new pods need their room, before these serve.
        self._doomed: List[Object] = []

    @property
    def left(self) -> float:
        """Return the remaining seconds."""
        return max(1.0, self._deadline - time.monotonic())

    @property
    def matters(self) -> bool:
        """Tell whether an object was sent that affects serving."""
        return any(kind in _MATTERS for kind, _name in self._adoption.sent)

    def begin(
        self,
        wanted: Sequence[Object],
        stale: Sequence[Object],
        current: Mapping[Key, Object],
        text: str,
    ) -> None:
        """Store what is served now, if the change affects serving."""
        self._text = text
        # What came before, the pull of an image for example, had its own time.
        self._deadline = time.monotonic() + self._timeout
        self._before = {**current}
        for item in wanted:
            taken = self._adoption.live(key_of(item))
            if taken is not None:
                self._before[key_of(item)] = taken
        doomed = [item for item in stale if item["kind"] in _MATTERS]
        self._doomed = [item for item in doomed if item["kind"] != "ConfigMap"]
        changing = [item for item in wanted if item["kind"] in _MATTERS]
        if not changing and not doomed:
            return
        there = {kind for kind, _name in self._before}
        if not there.intersection(undo.KINDS[1:]):
            return  # there is no workload, so nothing is served
        old = self.serving_pods(doomed)
        self._old = {str(pod["metadata"]["uid"]) for pod in old}
        self._present = set(self._old)
        self._had_ready = bool(ready_pods(old))
        port = next((rest_port_of(pod) for pod in ready_pods(old)), None)
        self._guard.begin(old, port or self._pods.pod_spec.rest_port)

    def serving_pods(self, doomed: Sequence[Object]) -> List[Object]:
        """Return the pods that run now, those of another owner or backend included."""
        pods = {str(pod["metadata"]["uid"]): pod for pod in self._pods.read()}
        adopted = self._adoption.live(("Deployment", self._spec.name))
        selectors = [_selector_of(item) for item in doomed]
        if adopted is not None:
            selectors.append(_labels_text(adopted["spec"]["selector"].get("matchLabels") or {}))
        for selector in filter(None, selectors):
            found = self._client.list("v1", "Pod", self._spec.namespace, label_selector=selector)[0]
            pods.update({str(pod["metadata"]["uid"]): pod for pod in found})
        return list(pods.values())

    def holds(self, wanted: Sequence[Object]) -> str:
        """Return the kind of the workload whose rollout waits for its first step, if one does.

        It does where models are served, and where it is not sure that there is room for that step.
        """
        if not self._pods.ours:
            return ""
        if not self._guard.wanted(self._text) and not self._adoption.gives_room:
            return ""
        for item in map(self._adoption.as_sent, wanted):
            old = self._before.get(key_of(item))
            if item["kind"] != self._pods.kind or old is None or not hold.can_be_held(item):
                continue
            held = hold.is_held({"kind": item["kind"], **old})
            same = covers(old["spec"].get("template"), item["spec"]["template"])
            if held and same:
                self._take_up()
            if held or not same:
                self._held = True
                return str(item["kind"])
        return ""

    def _take_up(self) -> None:
        """Distinguish old pods from new pods of an earlier, interrupted run."""
        spec = self._pods.pod_spec
        fleet = find_fleet(
            self._client, Target(spec.namespace, spec.name, rest_port=spec.rest_port)
        )
        new = {replica.name for replica in fleet.replicas}
        self._old = {
            str(pod["metadata"]["uid"])
            for pod in self._pods.read()
            if pod["metadata"]["name"] not in new
        }

    def look(self, item: Mapping[str, Any], live: Optional[Mapping[str, Any]]) -> None:
        """Refuse to change an object that others have changed since it was read.

        Raises:
            ConflictError: it was.
        """
        if item["kind"] not in _MATTERS:
            return
        read: Optional[Mapping[str, Any]] = self._before.get(key_of(item))
        if self._staged is not None and key_of(item) == key_of(self._staged):
            read = self._staged
        then = None if read is None else undo.input_hash(read)
        now = None if live is None else undo.input_hash(live)
        if then != now:
            raise _lost(item)

    def stage(self, wanted: Sequence[Object]) -> None:
        """Let new pinned versions serve before the old ones go.

        Raises:
            WaitError: they do not; the old configuration is back.
        """
        key = ("ConfigMap", config_map_name(self._spec))
        item = next((item for item in wanted if key_of(item) == key), None)
        old = self._before.get(key)
        if item is None or old is None or not is_marked(self._spec):
            return
        text = str((old.get("data") or {}).get(CONFIG_FILE) or "")
        before = parsed(text)
        # Pods of an earlier release do not see the marker's file.
        if not before or marker_of(text) is None:
            return
        step = stage_between(before, parsed(self._text), self._guard.served)
        if step is None:
            return
        pods = ready_pods(self._pods.read())
        if step.config is not None:
            text = marked_text(self._spec, step.config)
            self.look(item, self._client.get("v1", "ConfigMap", key[1], self._spec.namespace))
            self._staged = with_input_hash({**item, "data": {CONFIG_FILE: text}})
            self._client.apply(self._staged)
            self._adoption.sent[key] = self._staged
        self._runtime.progress(f"{self._spec.name}: new versions load beside the old ones")
        try:
            reload = Reload(self._client, self._pods.pod_spec, text, self._runtime)
            reload.begin(pods)
            reload.confirm(pods, self.left)
            self._guard.wait(self._living, step.needed, self.left, alone=False)
        except EdgeError as error:
            self.take_back(error)
            raise

    def first_step(self, *, replaces: bool) -> None:
        """Wait until the first new pod of a held rollout serves, and resume the rollout.

        Unless the change C(replaces) the pods, those that are stuck are tried again first.

        Raises:
            WaitError: it does not.
        """
        before = {} if replaces else self._retried()
        if not self._held:
            return
        self._held = False
        kind = self._pods.kind
        old = [pod for pod in self._pods.read() if str(pod["metadata"]["uid"]) in self._old]
        if hold.take_first_step(self._client, kind, old):
            spec = self._pods.pod_spec
            new = hold.wait_first(
                self._client, spec, kind, self._old, self.left, self._runtime, before
            )
            names = {str(pod["metadata"]["uid"]) for pod in new}

            def find() -> List[Object]:
                living = self._living()
                return [pod for pod in living if str(pod["metadata"]["uid"]) in names]

            self._guard.wait(find, self._guard.wanted(self._text), self.left)
        self._adoption.release()

    def _retried(self) -> Mapping[str, Attempts]:
        """Have pods that were there before, and are not ready, tried again."""
        key = (self._pods.kind, self._spec.name)
        workload = self._before.get(key)
        if workload is None or key not in self._adoption.sent:
            return {}
        pods = [pod for pod in self._pods.read() if str(pod["metadata"]["uid"]) in self._present]
        if len(ready_pods(pods)) == len(pods):
            return {}
        return self._pods.retry({"kind": self._pods.kind, **workload}, pods)

    def beside(self, mine: Callable[[Object], bool]) -> None:
        """Wait until the new pods serve beside the old ones; C(mine) selects the new ones.

        Raises:
            WaitError: they do not.
        """

        def find() -> List[Object]:
            return [pod for pod in self._living() if mine(pod)]

        if find():
            self._guard.wait(find, self._guard.wanted(self._text), self.left)

    def prove(self, pods: Sequence[Object], *, touched: bool, visible: bool) -> None:
        """Verify that every pod has loaded the configuration, and serves what was served before.

        C(touched): the pods were told of a new configuration; else they are new, and where the
        configuration has no marker they are believed to have read it at their start.

        Raises:
            WaitError: one has not.
        """
        self._prove(pods, touched=touched, visible=visible)
        self._proven = True

    def see_loaded(self, pods: Sequence[Object], text: str) -> None:
        """Verify the same where this run has changed nothing; C(text) is the configuration.

        An earlier run may have ended before a server had loaded it, or before it was found that one
        does not take it.

        Raises:
            WaitError: one has not loaded it.
        """
        reload = Reload(self._client, self._pods.pod_spec, text, self._runtime)
        try:
            late = reload.behind(ready_pods(pods))
        except ForbiddenError:
            return
        reload.confirm(late, self.left)

    def _prove(self, pods: Sequence[Object], *, touched: bool, visible: bool) -> None:
        ready = ready_pods(pods)
        if self._text and (touched or marker_of(self._text) is not None):
            spec = self._pods.pod_spec
            reload = Reload(self._client, spec, self._text, self._runtime, visible=visible)
            if touched:
                reload.begin(ready)
            reload.confirm(ready, self.left)
        self._guard.wait(self._living, self._guard.wanted(self._text), self.left)

    def _living(self) -> List[Object]:
        return [pod for pod in self._pods.read() if not leaving(pod)]

    def take_back(self, error: EdgeError) -> None:
        """Roll back the change if pods were ready before it, and see that the old state serves.

        C(error) then says what was put back. Nothing is done after a change that has been proven,
        nor with C(puts_back=False). If others have changed the objects meanwhile, a ConflictError
        is raised instead.

        Raises:
            ConflictError: see above.
        """
        if not isinstance(error, WaitError):
            return
        self.check_ours(error)
        if self._proven or not self._had_ready or not self._has_failed(error):
            return
        if not self._puts_back:
            error.details["undone"] = []
            error.message += "; left as it is for inspection (on_failure: keep)"
            return
        gone = [f"{item['kind']} {item['metadata']['name']}" for item in self._gone()]
        if gone:
            error.details["undone"] = []
            error.message += f"; {', '.join(gone)} had to go first, and is not put back"
            return
        sent = list(self._adoption.sent.values())
        restored = undo.undo(self._client, sent, self._before)
        removed = self._remove_new(sent)
        names = restored + removed
        if not names:
            return
        error.details["undone"] = names
        error.message += f"; put back as before: {', '.join(names)}"
        self._runtime.progress(f"{self._spec.name}: put back: {', '.join(names)}")
        self._touch_back()
        self._see_serving(error, replaced=not removed)

    def _gone(self) -> List[Object]:
        """Return the workloads that the change has removed already."""
        return [
            item
            for item in self._doomed
            if self._client.get(
                item["apiVersion"], item["kind"], item["metadata"]["name"], self._spec.namespace
            )
            is None
        ]

    def _has_failed(self, error: WaitError) -> bool:
        """Tell whether the new state does not serve; old pods that are slow to end do no harm."""
        if error.details.get("reason") == NOT_PROVEN:
            return False
        if isinstance(error, GateShut) or error.details.get("reason") == NOT_TAKEN:
            return True
        living = self._living()
        new = [pod for pod in living if str(pod["metadata"]["uid"]) not in self._old]
        return not new or len(ready_pods(new)) < len(living)

    def _see_serving(self, error: WaitError, *, replaced: bool) -> None:
        """Wait until the old state serves again; C(error) tells whether it does.

        C(replaced): pods of the present workload may have ended, so its rollout is waited for; else
        it was another workload's turn, and the pods of the old one are as they were.
        """
        begun = time.monotonic()
        try:
            if replaced:
                self._pods.settle(None, (), self._timeout)
            served: Dict[str, Sequence[int]] = dict.fromkeys(self._guard.served, ())
            self._guard.wait(self._living, served, self._timeout, alone=False)
        except EdgeError as other:
            error.details["serves_again"] = False
            error.message += f"; that does not serve yet: {one_line(other.message)}"
            return
        error.details["serves_again"] = True
        error.message += f"; it serves again after {time.monotonic() - begun:.0f} s"

    def _remove_new(self, sent: Sequence[Object]) -> List[str]:
        """Remove the new workload that was created to replace the one that still serves."""
        runs = [kind for kind in undo.KINDS if kind != "ConfigMap"]
        others = [key for key in self._before if key[0] in runs]
        made = [item for item in sent if item["kind"] in runs]
        new = [item for item in made if key_of(item) not in self._before]
        if not new or not any(key not in set(map(key_of, made)) for key in others):
            return []
        changes = delete_objects(self._client, kinds.for_removal(new), check_mode=False)
        return [f"{change.kind} {change.name} (removed)" for change in changes]

    def _touch_back(self) -> None:
        """Touch the pods, so that they load the old configuration sooner."""
        old = self._before.get(("ConfigMap", config_map_name(self._spec)))
        text = str(((old or {}).get("data") or {}).get(CONFIG_FILE) or "")
        if not text:
            return
        try:
            pods = ready_pods(self._pods.read())
            reload = Reload(self._client, self._pods.pod_spec, text, self._runtime)
            reload.begin(pods)
            if marker_of(text) is not None:
                reload.confirm(pods, self.left)
        except EdgeError:
            return

    def check_ours(self, cause: Optional[EdgeError] = None) -> None:
        """Raise if others have replaced the objects of this change meanwhile.

        Raises:
            ConflictError: they have.
        """
        for key, item in self._adoption.sent.items():
            if key[0] not in _MATTERS:
                continue
            metadata = item["metadata"]
            live = self._client.get(item["apiVersion"], key[0], key[1], metadata["namespace"])
            if live is None or undo.input_hash(live) != undo.input_hash(item):
                raise _lost(item) from cause


def _lost(item: Mapping[str, Any]) -> ConflictError:
    metadata = item["metadata"]
    return ConflictError(
        "another run or person has changed it since this run read it, so what this run asked for"
        " is not what the cluster has",
        status=409,
        reason="Conflict",
        subject=f"{item['kind']} {metadata.get('namespace')}/{metadata['name']}",
        hint="See who else deploys this server; run again to make it as this run wants it",
    )


def _selector_of(item: Mapping[str, Any]) -> str:
    """Return the pod labels of a workload of this collection, or of a controller's resource."""
    spec = item.get("spec") or {}
    labels = (spec.get("selector") or {}).get("matchLabels")
    if labels:
        return _labels_text(labels)
    kind = str(item["kind"])
    return made_from(kind, str(item["metadata"]["name"])).selector if kind in CONTROLLED else ""


def _labels_text(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
