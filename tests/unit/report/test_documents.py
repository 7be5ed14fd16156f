# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The four files of a report are well formed, whatever the names in them are."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.openvino.edge.plugins.plugin_utils.report import page as pages
from ansible_collections.openvino.edge.plugins.plugin_utils.report.collect import Collector
from ansible_collections.openvino.edge.plugins.plugin_utils.report.document import document
from ansible_collections.openvino.edge.plugins.plugin_utils.report.junit import junit
from ansible_collections.openvino.edge.plugins.plugin_utils.report.model import (
    PHASES,
    STATES,
    VERDICTS,
    Report,
)
from ansible_collections.openvino.edge.plugins.plugin_utils.report.page import page
from ansible_collections.openvino.edge.plugins.plugin_utils.report.prometheus import (
    METRICS,
    prometheus,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from invent import HOSTILE, closed_gate, invented, statuses
from jsonschema import Draft202012Validator

from .test_collect import COPY, plan, run, says

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(rf"([a-z_]+)\{{({LABEL}(?:,{LABEL})*)\}} (-?[0-9.]+)")
# Names and messages of every kind, also of characters that no file may hold.
words = st.text(st.one_of(st.characters(), st.sampled_from("<>&\"'\\\n{}@/-]")), max_size=30)


def small(name: str = "a", reason: str = "no", rollout: str = "ocr") -> "dict[str, Any]":
    """Return the document of a run with a cluster in each state that a run may end with."""
    found = Collector(Report("site.yml", 1_790_000_000.0))
    others = ["done", "undone", "deferred", "stuck", "begun", "waiting"]
    told = plan([name, *others])
    told["rollout"]["name"] = rollout
    found.plan(told)
    for other in others[:-1]:
        says(found, other, "begun", 1.0)
        run(found, other, COPY, {"bytes_sent": 3, "models": {name: {"1": reason}}}, 1.0, 2.5)
        if other != "begun":
            says(found, other, other, 4.0)
    run(found, "done", "openvino.edge.model_status", {"statuses": statuses(name, True)}, 4, 5)
    failed = closed_gate(name)
    failed["error"]["message"] = reason
    says(found, name, "begun", 1.0)
    found.begun(name, "openvino.edge.model_status", False, 2.0)
    found.failed(name, "openvino.edge.model_status", f"Ask {name}", failed, 3.0)
    says(found, name, "failed", 3.0, phase="gate", reason=reason)
    found.finish([], 9.0)
    return document(found.report)


def known(schema: "dict[str, Any]", value: Any, path: str = "") -> "set[str]":
    """Return the paths of fields that the schema does not name."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        return {item for one in value for item in known(schema["items"], one, f"{path}[]")}
    if not isinstance(value, dict) or "additionalProperties" in schema:
        return set()
    named = schema.get("properties", {})
    found = {f"{path}.{key}" for key in value if key not in named}
    return found.union(
        *(known(named[key], value[key], f"{path}.{key}") for key in set(named) & set(value))
    )


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["state"]["enum"] == list(STATES)
    assert SCHEMA["properties"]["verdict"]["enum"] == list(VERDICTS)


@pytest.mark.parametrize("made", [small(), document(invented(120)), small(rollout="")])
def test_reports_are_as_the_schema_says(made: "dict[str, Any]") -> None:
    plain = json.loads(json.dumps(made))
    Draft202012Validator(SCHEMA).validate(plain)
    assert known(SCHEMA, plain) == set()


def test_the_schema_refuses_something() -> None:
    broken = json.loads(json.dumps(small()))
    broken["clusters"][0]["state"] = "fine"
    assert not Draft202012Validator(SCHEMA).is_valid(broken)


def test_a_case_for_each_cluster_and_a_suite_for_each_wave() -> None:
    made = small()
    root = ElementTree.fromstring(junit(made))
    (suite,) = root.findall("testsuite")
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    assert set(cases) == {cluster["name"] for cluster in made["clusters"]}
    outcomes = {name: [child.tag for child in case] for name, case in cases.items()}
    assert outcomes == {
        "a": ["failure"],
        "undone": ["failure"],
        "begun": ["error"],
        "waiting": ["skipped"],
        "deferred": ["skipped"],
        "stuck": ["failure"],
        "done": [],
    }
    for node in (root, suite):
        counts = [node.get(key) for key in ("tests", "failures", "errors", "skipped")]
        assert counts == ["7", "3", "1", "2"]
    failure = cases["a"].find("failure")
    assert failure is not None and failure.get("type") == "gate"
    assert "modelinstance.cpp" in str(failure.text)
    assert cases["done"].get("time") == "3.000"


def test_clusters_without_waves_are_a_suite() -> None:
    found = Collector(Report("verify.yml", 0.0))
    run(found, "a", COPY, {}, 1, 2)
    found.finish([], 3)
    root = ElementTree.fromstring(junit(document(found.report)))
    assert [suite.get("name") for suite in root] == ["clusters"]
    assert root.get("name") == "verify.yml"


def samples(text: str) -> "dict[tuple[str, str], float]":
    """Return the samples of metrics.prom as its readers see them, and check its form."""
    found: "dict[tuple[str, str], float]" = {}
    told: "set[str]" = set()
    for line in text.split("\n")[:-1]:
        if line.startswith("#"):
            _hash, kind, name, *rest = line.split(" ")
            assert rest and (kind == "HELP" or rest == ["gauge"])
            told.add(f"{kind} {name}")
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert {f"HELP {match[1]}", f"TYPE {match[1]}"} <= told
        assert (match[1], match[2]) not in found
        found[(match[1], match[2])] = float(match[3])
    return found


def test_metrics_say_what_the_report_says() -> None:
    found = samples(prometheus(small()))
    whole = {
        labels: value for (name, labels), value in found.items() if name.endswith("t_clusters")
    }
    assert whole == {
        f'rollout="ocr",state="{state}"': float(state != "stopped") for state in STATES
    }
    assert found[("openvino_edge_rollout_bytes", 'rollout="ocr",kind="sent"')] == 15
    key = 'rollout="ocr",cluster="done"'
    assert found[("openvino_edge_cluster_duration_seconds", key)] == 3
    assert found[("openvino_edge_cluster_replicas", f'{key},served="yes"')] == 4
    verdicts = [v for (name, _l), v in found.items() if name.endswith("_verdict")]
    assert verdicts.count(1.0) == 1
    used = {name.partition("openvino_edge_")[2] for name, _labels in found}
    assert set(METRICS) - used == {"cluster_release"}


@settings(max_examples=50, deadline=None)
@given(words, words, words)
def test_nothing_in_a_name_breaks_a_file(name: str, reason: str, rollout: str) -> None:
    made = small(name or "x", reason, rollout)
    json.dumps(made).encode()
    root = ElementTree.fromstring(junit(made))
    assert len(root.findall(".//testcase")) == len(made["clusters"])
    assert samples(prometheus(made))
    assert data_of(page(made))["clusters"]


class Tags(HTMLParser):
    """Collects the tags of a page, what its scripts hold, and its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: "list[str]" = []
        self.inside: "dict[str, list[str]]" = {"script": [], "style": []}
        self.attributes: "list[tuple[str, str]]" = []
        self.text = ""
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.inside:
            self.inside[self._open][-1] += data
        else:
            self.text += data


def data_of(text: str) -> Any:
    found = Tags(text).inside["script"]
    assert len(found) == 2
    return json.loads(found[0])


def test_a_page_has_our_markup_only() -> None:
    plain, hostile = Tags(page(small())), Tags(page(small(HOSTILE, HOSTILE, HOSTILE)))
    assert plain.tags == hostile.tags
    assert "alert" in hostile.text
    (first, *_rest) = [c for c in data_of(page(small(HOSTILE, HOSTILE)))["clusters"] if "<" in c[0]]
    assert first[0] == " ".join(HOSTILE.split()) and first[4] == HOSTILE


def test_a_page_takes_nothing_from_outside_and_runs_our_script_only() -> None:
    text = page(small())
    found = Tags(text)
    assert not {name for name, _value in found.attributes} & {"src", "href", "style", "onclick"}
    (policy,) = [value for _name, value in found.attributes if value.startswith("default-src")]
    assert policy.startswith("default-src 'none';")
    for content in (found.inside["style"][0], found.inside["script"][1]):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    for name in ("page.css", "page.js"):
        code = (Path(pages.__file__).parent / name).read_text("utf-8")
        assert not re.search(r"https?://|innerHTML|@import|url\(|eval\(|</", code)


def test_marks_in_names_stay_names() -> None:
    text = page(small(rollout="@@DATA@@"))
    assert text.count("@@DATA@@") == 2, "in the title and in the heading"


def test_a_page_without_scripts_names_the_failures() -> None:
    found = Tags(page(small("site-7", "the disk is full")))
    assert "site-7" in found.text and "the disk is full" in found.text
    many = document(invented(150))
    assert "more are in report.json" not in page(many)
    for cluster in many["clusters"]:
        cluster["state"] = "failed"
    assert "more are in report.json" in page(many)


def test_a_page_knows_every_state_verdict_and_phase() -> None:
    assert set(pages.GLYPHS) == set(STATES) and len(set(pages.GLYPHS.values())) == len(STATES)
    assert set(pages.VERDICTS) == set(VERDICTS)
    style = (Path(pages.__file__).parent / "page.css").read_text("utf-8")
    assert all(f".{phase} {{ background" in style for phase in PHASES)
    assert all(f".{state}.state" in style for state in STATES)
    for verdict in VERDICTS:
        assert f'class="verdict {verdict}"' in page({**small(), "verdict": verdict})
