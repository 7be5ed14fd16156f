# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schema of each OVMS release takes in a C(config.json): a yardstick that is not the lint.

The table was made by reading src/schema.cpp of openvinotoolkit/model_server at the tag of each
release. An object is a dictionary of its keys. A key ends with C(!) where it is required, and may
carry the releases that know it: C(graph_path@2025.1-) or C(stateful@-2026.3), the last one being
the first that no longer does. Checks are OVMS's own, with the habits of its JSON library: a number
such as 1.0 is no integer, nor is true.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Release = tuple[int, int]
Check = Callable[[Any, Release], bool]

RELEASES: tuple[Release, ...] = (
    (2022, 3),
    *((2023, number) for number in range(4)),
    *((2024, number) for number in range(6)),
    *((2025, number) for number in range(5)),
    *((2026, number) for number in range(4)),
)


def text(value: Any, release: Release) -> bool:
    """Take a text."""
    return isinstance(value, str)


def flag(value: Any, release: Release) -> bool:
    """Take true and false."""
    return isinstance(value, bool)


def anything(value: Any, release: Release) -> bool:
    """Take whatever it is."""
    return True


def number(value: Any, release: Release) -> bool:
    """Take a number with or without a fraction."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def whole(low: int, high: int = 2**64 - 1) -> Check:
    """Take a whole number between two, both included."""

    def check(value: Any, release: Release) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return check


def items(of: Check) -> Check:
    """Take a list of such."""
    return lambda value, release: (
        isinstance(value, list) and all(of(item, release) for item in value)
    )


def each(of: Check) -> Check:
    """Take an object whose values are such."""
    return lambda value, release: (
        isinstance(value, dict) and all(of(item, release) for item in value.values())
    )


def either(*checks: Check) -> Check:
    """Take what one of them takes."""
    return lambda value, release: any(check(value, release) for check in checks)


def exactly_one(*checks: Check) -> Check:
    """Take what one of them takes and no other does."""
    return lambda value, release: [check(value, release) for check in checks].count(True) == 1


def both(*checks: Check) -> Check:
    """Take what all of them take."""
    return lambda value, release: all(check(value, release) for check in checks)


def count(low: int, high: int) -> Check:
    """Take an object of so many keys."""
    return lambda value, release: isinstance(value, dict) and low <= len(value) <= high


def since(first: str, new: Check, old: Check) -> Check:
    """Take one check from a release on, the other before."""
    return lambda value, release: (new if release >= _release(first) else old)(value, release)


def _release(word: str) -> Release:
    year, _dot, rest = word.partition(".")
    return int(year), int(rest)


def _known(word: str, release: Release) -> bool:
    first, _dash, gone = word.partition("-")
    return (not first or release >= _release(first)) and (not gone or release < _release(gone))


def closed(*, spare: bool = False) -> Callable[[dict[str, Check]], Check]:
    """Return the check of an object with these keys; C(spare): others may be there as well."""

    def make(keys: dict[str, Check]) -> Check:
        def check(value: Any, release: Release) -> bool:
            if not isinstance(value, dict):
                return False
            known: dict[str, Check] = {}
            for word, of in keys.items():
                name, _at, when = word.rstrip("!").partition("@")
                if when and not _known(when, release):
                    continue
                known[name] = of
                if word.endswith("!") and name not in value:
                    return False
            if not spare and set(value) - set(known):
                return False
            return all(known[key](item, release) for key, item in value.items() if key in known)

        return check

    return make


exact = closed()
loose = closed(spare=True)


def wrapped(inner: Check) -> Check:
    """Check an object around C(config): other keys are refused since 2024.0 only."""
    around = loose({"config!": inner})
    return since("2024.0", both(around, count(1, 1)), around)


def policy(kind: str, body: Check) -> Check:
    """Take an object with the one key."""
    return exact({f"{kind}!": body})


POLICY = exactly_one(
    policy("all", exact({})),
    policy("latest", exact({"num_versions!": whole(1)})),
    policy("specific", exact({"versions!": items(whole(1))})),
)
SHAPES = since("2023.0", either(text, each(text)), either(text, each(anything)))
PROPERTIES = since(
    "2023.3",
    each(either(text, flag, number)),
    since("2023.0", each(either(text, number)), each(anything)),
)
MODEL = exact(
    {
        "name!": text,
        "base_path@-2025.1!": text,
        "base_path@2025.1-": text,
        "batch_size": either(whole(0), text),
        "model_version_policy": since("2023.0", POLICY, each(anything)),
        "shape": SHAPES,
        "layout": SHAPES,
        "nireq": whole(0),
        "target_device": text,
        "allow_cache": flag,
        "plugin_config": PROPERTIES,
        "graph_path@2025.1-": text,
        "subconfig@2025.1-": text,
        "stateful@-2026.3": flag,
        "idle_sequence_cleanup@-2026.3": flag,
        "low_latency_transformation@-2026.3": flag,
        "max_sequence_number@-2026.3": whole(0),
        "custom_loader_options": loose({"loader_name!": text}),
    }
)
SOURCE = both(each(exact({"node_name!": text, "data_item!": text})), count(1, 1))
NODE_KEYS: dict[str, Check] = {
    "name!": text,
    "inputs!": items(SOURCE),
    "outputs!": items(exact({"data_item!": text, "alias!": text})),
    "version": whole(1),
    "params": each(text),
    "demultiply_count": whole(-1, 10000),
    "gather_from_node": text,
}
NODE = exactly_one(
    exact({**NODE_KEYS, "type!": lambda value, _: value == "custom", "library_name!": text}),
    exact({**NODE_KEYS, "type!": lambda value, _: value == "DL model", "model_name!": text}),
)
PIPELINE = exact(
    {
        "name!": text,
        "nodes!": items(NODE),
        "inputs!": items(text),
        "outputs!": items(SOURCE),
        "demultiply_count": whole(-1, 10000),
    }
)
LOADER = exact({"loader_name!": text, "library_path!": text, "loader_config_file": text})
METRICS = exact({"enable!": flag, "metrics_list": items(text)})
GRAPH = exact({"name!": text, "base_path": text, "graph_path": text, "subconfig": text})
CONFIG = exact(
    {
        "model_config_list!": items(wrapped(MODEL)),
        "mediapipe_config_list@2023.0-": items(GRAPH),
        "pipeline_config_list": items(PIPELINE),
        "custom_node_library_config_list": items(exact({"name!": text, "base_path!": text})),
        "custom_loader_config_list": items(wrapped(LOADER)),
        "monitoring": exact({"metrics!": METRICS}),
    }
)


def takes(config: Any, release: Release) -> bool:
    """Tell whether the schema of a release takes the file; else OVMS refuses it whole."""
    return CONFIG(config, release)
