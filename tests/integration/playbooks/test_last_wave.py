# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Half of the last wave goes down: before its turn or in it; within the budget and beyond."""

from __future__ import annotations

from pathlib import Path

import pytest
from fleetkit import Sites
from test_bad_weather import lead
from test_waves import states
from weather import Sky, weather


class Down(Sky):
    """Nobody answers any more, from the first request of a kind on."""

    def __init__(self, method: str, part: str) -> None:
        super().__init__(1, share=0.0)
        self._method, self._part, self.down = method, part, False

    def _fault(self, method: str, path: str) -> str:
        begins = method == self._method and self._part in path and "dryRun" not in path
        self.down = self.down or begins
        return "reset" if self.down else ""


# From its first request on; and from the moment on at which its server would be changed.
BEFORE, IN_IT = ("GET", "/"), ("PATCH", "/configmaps/ovms-config")


@pytest.mark.whole
@pytest.mark.parametrize(
    ("when", "failed", "phase"), [(BEFORE, "failed", "begin"), (IN_IT, "stuck", "deploy")]
)
@pytest.mark.parametrize("allowed", [0, 1])
def test_half_of_the_last_wave_goes_down(
    sites: Sites, tmp_path: Path, allowed: int, when: "tuple[str, str]", failed: str, phase: str
) -> None:
    """North and south are the last wave, and north goes down."""
    assert sites.rollout(1).code == 0
    sky = Down(*when)
    with weather(sites.cluster, sky, tmp_path) as kubeconfig:
        lead(sites, kubeconfig, "north")
        run = sites.rollout(3, edge_max_failures=allowed)
    assert run.code == 2 and sky.down, run.text
    assert states(sites)["canary"] == ("done", ""), "the waves before stay as they are"
    assert states(sites)["north"] == (failed, phase), run.text
    assert sites.releases("north")[0] == (1, "good")
    if allowed:
        assert "rollout done with failures: 2 done, 1 " in run.text
        assert states(sites)["south"] == ("done", "")
        assert sites.releases("south") == [(1, "good"), (3, "good")]
    else:
        assert "1 cluster of the fleet failed, and 0 may" in run.text
        assert states(sites)["south"] == ("undone", "")
        assert sites.releases("south") == [(1, "good"), (3, "good"), (1, "good")]

    lead(sites, sites.cluster.kubeconfig, "north")
    later = sites.rollout(3, edge_max_failures=allowed)
    assert later.code == 0, later.text
    for site in ("canary", "north", "south"):
        assert sites.releases(site)[-1] == (3, "good"), later.text
    assert later.changed["canary"] == 0, "what has it is only asked"


@pytest.mark.whole
def test_half_of_the_last_wave_is_left_for_later(sites: Sites, tmp_path: Path) -> None:
    """One site may be deferred, so one that is offline before its turn costs nothing."""
    assert sites.rollout(1).code == 0
    with weather(sites.cluster, Down(*BEFORE), tmp_path) as kubeconfig:
        lead(sites, kubeconfig, "north")
        run = sites.rollout(3, edge_max_deferred=1)
    assert run.code == 0 and "rollout done: 2 done, 1 deferred" in run.text, run.text
    assert states(sites)["north"] == ("deferred", "")
    assert sites.releases("north") == [(1, "good")]
