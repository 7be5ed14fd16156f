# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes report.html of a report: one page without anything from outside. Pure.

Names and messages come from outside. What is written here is escaped, the script puts the rest in
as text, and the page's own policy runs no script and no style but those two, whatever gets in.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any, Dict, List, Mapping

from ...module_utils.repository.content.units import format_bytes
from .lines import clock
from .model import BAD, PHASES, STATES

HERE = Path(__file__).resolve().parent
# Colour is never the only mark of a state.
GLYPHS = {
    "done": "\u2713",
    "failed": "\u2717",
    "undone": "\u21a9",
    "stopped": "\u25a0",
    "begun": "\u25b6",
    "deferred": "\u00bb",
    "stuck": "\u203c",
    "waiting": "\u00b7",
}
VERDICTS = {
    "done": ("\u2713", "Done: every cluster is"),
    "tolerated": ("!", "Done, with failures or postponed clusters within the limit"),
    "stopped": ("\u25a0", "Stopped by the gate of a wave"),
    "failed": ("\u2717", "Failed"),
    "interrupted": ("\u2717", "Interrupted: not every cluster was reached"),
    "running": ("\u25b6", "Running"),
}
REPLICA = ("replica", "node", "model", "version", "state", "message", "wanted", "ok")
# Without scripts a page of thousands of failures would help nobody.
MAX_STATIC = 100
MARK = re.compile("@@([A-Z_]+)@@")


def page(document: Mapping[str, Any]) -> str:
    """Return the HTML of a document."""
    style, script = _asset("page.css"), _asset("page.js")
    glyph, words = VERDICTS[document["verdict"]]
    title = document["rollout"]["name"] or document["playbook"]
    parts = {
        "CSP": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        "TITLE": html.escape(f"Rollout {title}"),
        "VERDICT": html.escape(document["verdict"]),
        "GLYPH": glyph,
        "VERDICT_WORDS": words + (" (check mode)" if document["check_mode"] else ""),
        "STOPPED": html.escape(document["stopped"]),
        "FACTS": _facts(document),
        "TILES": _tiles(document),
        "BUDGET": _budget(document),
        "FAILURES": _failures(document),
        "SCHEMA": str(document["schema"]),
        "DATA": _data(document),
        "STYLE": style,
        "SCRIPT": script,
    }
    # One pass: a mark in what was put in stays what it is.
    return MARK.sub(lambda found: parts[found.group(1)], _asset("page.html"))


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest())
    return f"'sha256-{digest.decode('ascii')}'"


def _facts(document: Mapping[str, Any]) -> str:
    rollout, sums = document["rollout"], document["bytes"]
    words = [f"run {rollout['run']}" if rollout["run"] else "", document["playbook"]]
    words += ["resumed" if rollout["resumed"] else ""]
    words += [document["began"].replace("T", " ").rstrip("Z") + " UTC", clock(document["seconds"])]
    words += [f"{format_bytes(sums['sent'])} sent, {format_bytes(sums['reused'])} reused"]
    words += [
        "" if document["complete"] else "the callback had an error, so something may be missing"
    ]
    return " &middot; ".join(html.escape(word) for word in words if word)


def _tiles(document: Mapping[str, Any]) -> str:
    return "".join(
        f'<li><b>{count}</b><span class="state {state}">{GLYPHS[state]} {state}</span></li>'
        for state, count in document["clusters_by_state"].items()
    )


def _budget(document: Mapping[str, Any]) -> str:
    allowed, spent = document["budget"]["allowed"], document["budget"]["spent"]
    return "" if allowed is None else f"Budget: {spent} of {allowed} allowed failures spent."


def _failures(document: Mapping[str, Any]) -> str:
    """Return the list that is shown where no script may run."""
    found = [item for item in document["clusters"] if item["state"] in BAD]
    lines = [
        f"<li><b>{html.escape(item['name'])}</b> {item['state']}:"
        f" {html.escape(item['reason'])}</li>"
        for item in found[:MAX_STATIC]
    ]
    more = len(found) - len(lines)
    rest = f"<p>{more} more are in report.json.</p>" if more > 0 else ""
    return f"<ul>{''.join(lines)}</ul>{rest}" if lines else "<p>None.</p>"


def _data(document: Mapping[str, Any]) -> str:
    """Return the document as JSON that no parser of HTML can take for an end of the script."""
    data = {
        "states": STATES,
        "phases": PHASES,
        "glyphs": GLYPHS,
        "seconds": document["seconds"],
        "copying": document["copying_seconds"],
        "bytes": document["bytes"],
        "waves": [
            {key: value for key, value in wave.items() if key not in ("clusters", "failed")}
            for wave in document["waves"]
        ],
        "clusters": [_cluster(cluster) for cluster in document["clusters"]],
    }
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _cluster(cluster: Mapping[str, Any]) -> List[Any]:
    """Return a cluster as a row: with thousands of them the names of the fields would be most."""
    spans = [
        [PHASES.index(span["phase"]), span["started"], span["ended"], int(span["failed"])]
        for span in cluster["phases"]
        if span["phase"] in PHASES
    ]
    moved: Dict[str, int] = {key: value for key, value in cluster["bytes"].items() if value}
    if "sent" in cluster["bytes"]:
        moved["sent"] = cluster["bytes"]["sent"]
    return [
        cluster["name"],
        cluster["wave"],
        STATES.index(cluster["state"]),
        cluster["phase"],
        cluster["reason"],
        cluster["started"],
        cluster["ended"],
        spans,
        moved,
        cluster["release"],
        [[row[key] for key in REPLICA] for row in cluster["replicas"]],
        cluster["failures"],
        cluster["models"],
    ]
