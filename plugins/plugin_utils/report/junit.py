# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes junit.xml of a report: a suite for each wave, a case for each cluster. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Sequence
from xml.etree import ElementTree

# What XML 1.0 can not hold at all, not even as a reference.
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
BROKEN = ("stuck", "failed", "undone")
PASSED = "done"


def junit(document: Mapping[str, Any]) -> str:
    """Return the XML of a document.

    A cluster that is failed or undone is a failure. One that was interrupted is an error, one that
    the run left out (deferred, stopped, waiting) is skipped.
    """
    title = document["rollout"]["name"] or document["playbook"]
    suites = [_suite(document, name, found) for name, found in _suites(document).items()]
    root = ElementTree.Element("testsuites", _sums(title, document["clusters"]))
    root.set("time", f"{document['seconds']:.3f}")
    root.extend(suites)
    body: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _suites(document: Mapping[str, Any]) -> Dict[str, List[Any]]:
    names = {
        wave["number"]: f"wave {wave['number']} {wave['name']}".strip()
        for wave in document["waves"]
    }
    found: Dict[str, List[Any]] = {name: [] for name in names.values()}
    for cluster in document["clusters"]:
        found.setdefault(names.get(cluster["wave"], "clusters"), []).append(cluster)
    return found


def _suite(
    document: Mapping[str, Any], name: str, clusters: Sequence[Mapping[str, Any]]
) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", _sums(name, clusters))
    suite.set("timestamp", document["began"].rstrip("Z"))
    suite.set("time", f"{sum(_seconds(cluster) for cluster in clusters):.3f}")
    suite.extend([_case(name, cluster) for cluster in clusters])
    return suite


def _sums(name: str, clusters: Sequence[Mapping[str, Any]]) -> Dict[str, str]:
    states = [_outcome(cluster) for cluster in clusters]
    return {
        "name": _clean(name),
        "tests": str(len(states)),
        "failures": str(states.count("failure")),
        "errors": str(states.count("error")),
        "skipped": str(states.count("skipped")),
    }


def _outcome(cluster: Mapping[str, Any]) -> str:
    if cluster["state"] in BROKEN:
        return "failure"
    if cluster["state"] == "begun":
        return "error"
    return "" if cluster["state"] == PASSED else "skipped"


def _case(suite: str, cluster: Mapping[str, Any]) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        {
            "classname": _clean(suite),
            "name": _clean(cluster["name"]),
            "time": f"{_seconds(cluster):.3f}",
        },
    )
    outcome = _outcome(cluster)
    if outcome:
        told = ElementTree.SubElement(case, outcome)
        told.set("message", _clean(cluster["reason"] or cluster["state"]))
        if outcome != "skipped":
            told.set("type", _clean(cluster["phase"] or cluster["state"]))
            told.text = _clean("\n".join(_body(cluster)))
    return case


def _body(cluster: Mapping[str, Any]) -> List[str]:
    found: List[str] = []
    for failure in cluster["failures"]:
        found += [failure["message"], failure["hint"]]
        for problem in failure["problems"]:
            found += [f"{key}: {value}" for key, value in problem.items()]
    return [line for line in found if line]


def _seconds(cluster: Mapping[str, Any]) -> float:
    if cluster["started"] is None or cluster["ended"] is None:
        return 0.0
    return max(0.0, float(cluster["ended"]) - float(cluster["started"]))


def _clean(text: str) -> str:
    return NO_XML.sub("", text)
