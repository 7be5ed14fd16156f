# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint and the writer against the schema of every OVMS release from 2022.3 on.

EDGE_YARDSTICK=N tries N configurations (make config-yardstick).
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.config.findings import (
    ERROR,
    Context,
    Finding,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.generation import (
    Generation,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint import lint_config
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)
from hypothesis import given

from ..conftest import make_spec
from .mutations import WHOLE, mutated
from .ovms_schema import RELEASES, Release, takes
from .test_kinds import servers
from .test_render import MODEST

ALL = bool(os.environ.get("EDGE_YARDSTICK"))
SEEDS = int(os.environ.get("EDGE_YARDSTICK") or 300)
# The schema did not change within a group; the first one of each stands for it where time is short.
FIRST: tuple[Release, ...] = ((2022, 3), (2023, 0), (2023, 3), (2024, 0), (2025, 1), (2026, 3))
TRIED = RELEASES if ALL else (*FIRST, (2025, 0), (2026, 2))
# What once differed, by the number of the configuration.
DIFFERED = (683,)

# What the schema takes and the lint refuses, each for what the server does with it afterwards.
BEYOND = tuple(
    map(
        re.compile,
        (
            # A model that is not served, or not as it says.
            r"is neither a number, a range nor auto",
            r"is neither auto nor a list of dimensions",
            r"has more than the letters|has the dimension . twice",
            r"a name is needed",
            r"a number from 0 to|a number from 1 is needed",
            r"is not the name of a device|is no device: their names|is not a device that we know",
            r"only a stateful model has it",
            r"no version is named, so the server would serve none",
            r"the server refuses paths with",
            # Names that are taken, or not there.
            r"the name '.*' is (taken|reserved|that of another node)",
            r"there is no (node|model|custom node library|metric)",
            r"has no output|wait for each other|is not served \(only|is in the list twice",
            # Releases without a schema for it, which fail when they read it.
            r"takes texts and numbers here, and no boolean",
            r"the value must be text, a number or a boolean",
            r"an object with exactly one of all, latest and specific is needed",
            r"(latest|specific|all) needs|one of all, latest and specific is needed",
            # OVMS 2022.3 takes dimensions in a list; later releases do not.
            r"is not text$",
            # A key of the device that the release of OpenVINO does not have.
            r"is not a key of|takes \w+ .* of OpenVINO only",
        ),
    )
)


def errors(config: Any, release: Release) -> list[Finding]:
    context = Context(Generation(release))
    return [finding for finding in lint_config(config, context) if finding.level == ERROR]


def beyond(finding: Finding) -> bool:
    return any(pattern.search(finding.message) for pattern in BEYOND)


def difference(config: Any, release: Release) -> str:
    """Say where lint and schema do not agree, or nothing."""
    found = errors(config, release)
    if takes(config, release):
        more = [str(finding) for finding in found if not beyond(finding)]
        return f"refused without need: {more}" if more else ""
    return "" if found else "taken, and the server refuses the whole file"


def test_the_whole_one_is_taken_by_every_release() -> None:
    for release in RELEASES:
        assert takes(WHOLE, release), release
        assert errors(WHOLE, release) == [], release


def test_the_mutations_are_not_all_of_one_kind() -> None:
    """A yardstick that always says the same measures nothing."""
    taken = sum(takes(mutated(seed), (2026, 3)) for seed in range(200))
    assert 20 < taken < 180
    assert [takes(mutated(seed), (2026, 2)) for seed in range(200)] != [
        takes(mutated(seed), (2023, 0)) for seed in range(200)
    ]


def test_lint_and_schema_agree_on_mutated_configurations() -> None:
    differing = {}
    for seed in (*range(SEEDS), *DIFFERED):
        config = mutated(seed)
        for release in TRIED:
            found = difference(config, release)
            if found:
                differing[seed, release] = found
    assert not differing, "\n".join(f"{key}: {text}" for key, text in differing.items())


@pytest.mark.parametrize("release", [*TRIED, None])
@MODEST
@given(options=servers())
def test_every_release_takes_what_is_written_for_it(
    release: Release | None, options: dict[str, Any]
) -> None:
    wanted = "{}.{}".format(*release) if release else None
    for item in options["models"]:
        item.pop("stateful", None)
        item.pop("max_sequence_number", None)
    made = render_config(make_spec(**{**options, "ovms_version": wanted}))
    graphs = any("graph_path" in item for item in options["models"])
    for one in (release,) if release else RELEASES:
        # The oldest release knows no graphs; the lint says so before anything is written.
        if not (graphs and one == RELEASES[0]):
            assert takes(made, one), one
