# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invents a rollout: the results of tasks as the callback gets them, of a fleet of any size."""

from __future__ import annotations

import random
from typing import Any, Callable

from ansible_collections.openvino.edge.plugins.plugin_utils.report.collect import Collector
from ansible_collections.openvino.edge.plugins.plugin_utils.report.model import Report

# Names come from inventories and labels of others; no page may take one for markup.
HOSTILE = '</script><script>alert("x")</script>&<b>\u2028"\\'
MODEL_BYTES = 31_457_280
SITES = ("shop", "factory", "depot", "clinic", "mast")
PLACES = ("north", "south", "harbour", "airport", "old-town")
DIGEST = "sha256:3d75413ade030a0211cb7654805229b7fd711d2414f9733e5026e6a06a46a87f"


def names(count: int) -> list[str]:
    """Return the names of that many clusters, with a hostile one among them."""
    found = [f"{SITES[n % 5]}-{PLACES[n // 5 % 5]}-{n:04d}" for n in range(count)]
    if count > 3:
        found[-2] = HOSTILE
    return found


def plan(clusters: list[str]) -> dict[str, Any]:
    """Return the result of the action that plans: a canary, a tenth, the rest."""
    first, second = max(1, len(clusters) // 500), max(2, len(clusters) // 10)
    parts = (clusters[:first], clusters[first:second], clusters[second:])
    titles = ("canary", "early", "the rest")
    return {
        "rollout": {"name": "detector 2", "run": 12, "resumed": False},
        "max_failures": max(1, len(clusters) // 50),
        "waves": [
            {
                "number": number,
                "name": titles[number - 1],
                "clusters": part,
                "max_failures": 0 if number == 1 else None,
                "soak": 60 if number == 1 else 0,
            }
            for number, part in enumerate(parts, 1)
        ],
    }


def statuses(cluster: str, served: bool) -> list[dict[str, Any]]:
    """Return the rows of model_status for two replicas."""
    return [
        {
            "replica": f"ovms-5d9c7b6f4-{replica}",
            "node": f"{cluster[:20]}-node-{number}",
            "model": model,
            "version": 2,
            "state": "AVAILABLE" if served or number else "LOADING",
            "error_code": "OK" if served or number else "UNKNOWN",
            "error_message": "OK" if served or number else "UNKNOWN",
            "wanted": True,
            "ok": served or bool(number),
        }
        for number, replica in enumerate(("2x8kq", "9ttzp"))
        for model in ("detector", "reader")
    ]


def closed_gate(cluster: str) -> dict[str, Any]:
    """Return the result of a gate that did not open."""
    message = "after 12 s not every replica serves what is wanted: detector 2 cannot be loaded"
    problem = {
        "code": "load_failed",
        "replica": "ovms-5d9c7b6f4-2x8kq",
        "model": "detector",
        "version": 2,
        "message": "detector 2 cannot be loaded (LOADING, UNKNOWN)",
        "hint": "The reason is only in the server's log",
        "log": "[error][modelinstance.cpp:818] Cannot read model; model: detector; version: 2",
        "final": True,
    }
    return {
        "failed": True,
        "msg": f"{message}\na table",
        "error": {
            "kind": "gate",
            "message": message,
            "hint": "The reason is only in the server's log",
            "details": {"statuses": statuses(cluster, False), "problems": [problem]},
        },
    }


def unreachable(cluster: str) -> dict[str, Any]:
    """Return the result of a check of a cluster that does not answer."""
    subject = f"https://{cluster[:20].strip('<>/')}.example.org:6443"
    message = "connection refused"
    hint = "Check that the cluster is up and that the controller may reach its API server"
    return {
        "failed": True,
        "msg": f"host: {subject}: {message}. {hint}.",
        "error": {"kind": "unreachable", "subject": subject, "message": message, "hint": hint},
    }


class Run:
    """Notes what happens on each cluster, and then plays it to a collector in the order of time."""

    def __init__(self, clusters: list[str], seed: int) -> None:
        self.report = Report("site.yml", began=1_790_000_000.0)
        self.collector = Collector(self.report)
        self._events: list[tuple[float, Callable[[float], None]]] = []
        self._random = random.Random(seed)
        self._plan = plan(clusters)
        self._spent = 0

    def play(self) -> Report:
        """Play the whole run and return its report."""
        self.collector.play([name for wave in self._plan["waves"] for name in wave["clusters"]])
        self.collector.plan(self._plan)
        now, stopped = 1.0, False
        for wave in self._plan["waves"]:
            if stopped:
                break
            now = self._wave(wave, now)
            stopped = self._spent > self._plan["max_failures"]
            self._gate(wave["number"], stopped, now)
            now += wave["soak"]
        for at, act in sorted(self._events, key=lambda event: event[0]):
            act(at)
        self.collector.finish([], now)
        return self.report

    def _wave(self, wave: dict[str, Any], begin: float) -> float:
        """Play a wave, fifty clusters side by side; return when it ends."""
        end = begin
        for position, name in enumerate(wave["clusters"]):
            if position % 50 == 0 and self._spent > self._plan["max_failures"]:
                break
            start = begin + position // 50 * 40
            end = max(end, self._cluster(name, wave["number"], start, position))
        return end

    def _at(self, at: float, act: Callable[[float], None]) -> None:
        self._events.append((at, act))

    def _gate(self, wave: int, stopped: bool, at: float) -> None:
        told = {"wave": wave, "verdict": "stop" if stopped else "go_on"}
        budget = {"spent": self._spent, "allowed": self._plan["max_failures"]}
        reason = "more clusters have failed than the fleet may lose" if stopped else ""
        verdict = {**told, **budget, "reason": reason, "failures": [], "deferred": []}
        self._at(at, lambda now: self.collector.gate(verdict, now))

    def _says(self, name: str, told: dict[str, Any], at: float) -> None:
        self._at(at, lambda now: self.collector.cluster(name, told, now))

    def _cluster(self, name: str, wave: int, at: float, position: int) -> float:
        luck = self._random.random() if wave > 1 or position > 0 else 1.0
        told = {"cluster": name, "wave": wave, "phase": "", "reason": ""}
        if luck < 0.02:
            reason = "on hold: stocktaking" if luck < 0.01 else "offline: connection refused"
            self._says(name, {**told, "state": "deferred", "reason": reason}, at)
            return at
        self._says(name, {**told, "state": "begun", "phase": "preflight"}, at)
        if name == HOSTILE or luck < 0.024:
            return self._ends_early(name, told, at)
        at = self._task(name, "preflight_info", {}, at, 0.4)
        at = self._task(name, "model_repository", self._copied(), at, 12.0)
        at = self._task(name, "model_server", {"release": self._release("unknown")}, at, 6.0)
        if luck < 0.035:
            return self._goes_back(name, told, at)
        served = {"available": True, "statuses": statuses(name, True)}
        at = self._task(name, "model_status", served, at, 4.0)
        self._says(name, {**told, "state": "done"}, at)
        return at

    def _task(
        self, name: str, action: str, result: dict[str, Any], at: float, about: float
    ) -> float:
        action = f"openvino.edge.{action}"
        end = at + about * self._random.uniform(0.5, 2.0)
        self._at(at, lambda now: self.collector.begun(name, action, False, now))
        self._at(end, lambda now: self._result(name, action, result, now))
        return end

    def _result(self, name: str, action: str, result: dict[str, Any], at: float) -> None:
        if result.get("failed"):
            self.collector.failed(name, action, f"Run {action}", result, at)
        else:
            self.collector.ended(name, action, result, at)

    def _ends_early(self, name: str, told: dict[str, Any], at: float) -> float:
        result = unreachable(name)
        at = self._task(name, "preflight_info", result, at, 8.0)
        self._spent += 1
        failed = {**told, "state": "failed", "phase": "preflight", "reason": result["msg"]}
        self._says(name, failed, at)
        return at

    def _goes_back(self, name: str, told: dict[str, Any], at: float) -> float:
        result = closed_gate(name)
        at = self._task(name, "model_status", result, at, 12.0)
        self._spent += 1
        reason = result["error"]["message"]
        failed = {**told, "state": "failed", "phase": "gate", "reason": reason}
        self._says(name, failed, at)
        back = {"release": {"number": 8, "verdict": "good", "reason": "", "restores": 6}}
        at = self._task(name, "release", back, at, 3.0)
        state = "undone" if self._random.random() < 0.9 else "stuck"
        self._says(name, {**told, "state": state, "phase": "gate", "reason": reason}, at)
        return at

    def _copied(self) -> dict[str, Any]:
        sent = int(MODEL_BYTES * self._random.uniform(0.05, 1.0))
        return {
            "bytes_total": MODEL_BYTES,
            "bytes_planned": sent,
            "bytes_sent": sent,
            "bytes_reused": MODEL_BYTES - sent,
            "models": {"detector": {"2": DIGEST}, "reader": {"2": DIGEST}},
        }

    def _release(self, verdict: str) -> dict[str, Any]:
        return {"number": 7, "verdict": verdict, "reason": "", "restores": None}


def invented(count: int, seed: int = 7) -> Report:
    """Return the report of an invented run over that many clusters."""
    return Run(names(count), seed).play()
