# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waves of site.yml on this ansible-core, over clusters that are none, and what Ansible does.

Needs no cluster; `make matrix` runs it on every supported ansible-core.
"""

from __future__ import annotations

import random
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

from ansible.release import __version__ as core

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "testbed" / "fleet"))

import kills  # noqa: E402
import wavekit  # noqa: E402

WAVES = [2, {"name": "rest", "rest": True, "batch": 3}]
OLD = core.startswith("2.16.")


def hosts(**how: str) -> "dict[str, str]":
    return {name: how.get(name, "") for name in "abcdefgh"}


def verdicts(folder: Path) -> "list[tuple[str, str]]":
    with sqlite3.connect(folder / "journal.sqlite") as store:
        return list(store.execute("SELECT verdict, stopped FROM rollouts ORDER BY number"))


def states(folder: Path) -> "dict[str, tuple[str, str]]":
    with sqlite3.connect(folder / "journal.sqlite") as store:
        rows = store.execute("SELECT cluster, state, phase FROM clusters").fetchall()
    return {name: (state, phase) for name, state, phase in rows}


def ours(folder: Path, *options: str, how: "dict[str, str]", **given: Any) -> wavekit.Outcome:
    return wavekit.run(folder, wavekit.ours(), how, *options, **given)


def test_all_waves_are_gone_through_in_order(tmp_path: Path) -> None:
    found = ours(tmp_path, how=hosts(), edge_waves=WAVES, strategy="free")
    assert found.code == 0, found.text
    assert found.did == list("abcdefgh")
    assert verdicts(tmp_path) == [("done", "")]
    assert found.text.index("ok: [b]") < found.text.index("ok: [c]") < found.text.index("ok: [f]")


def test_the_budget_is_one_for_all_batches(tmp_path: Path) -> None:
    how = hosts(b="fail", d="fail", g="fail")
    waves = [{"count": 2, "max_failures": 1}, {"name": "rest", "rest": True, "batch": 3}]
    found = ours(tmp_path, how=how, edge_waves=waves, edge_max_failures=1)
    assert found.code == 2, found.text
    assert found.did == ["a", "c", "e"], "the second failure is in the second batch"
    assert "2 clusters of the fleet failed, and 1 may" in verdicts(tmp_path)[0][1]
    assert set(states(tmp_path)) == set("abcde")


def test_a_failure_that_is_allowed_fails_the_run_at_its_end(tmp_path: Path) -> None:
    found = ours(tmp_path, how=hosts(d="fail"), edge_waves=WAVES, edge_max_failures=1)
    assert (found.code, found.did) == (2, list("abcefgh")), found.text
    assert verdicts(tmp_path) == [("done with failures", "")]
    assert "d: failed in phase fail: the model does not load" in found.text


def test_an_unreachable_cluster_counts(tmp_path: Path) -> None:
    found = ours(tmp_path, how=hosts(a="unreachable"), edge_waves=WAVES)
    assert found.code in (2, 4), found.text
    assert found.did == ["b"]
    assert states(tmp_path)["a"][0] == "failed"
    assert "1 cluster of wave 'wave 1' failed" in verdicts(tmp_path)[0][1]


def test_a_batch_of_which_all_is_lost_ends_the_run_and_the_next_run_goes_on(
    tmp_path: Path,
) -> None:
    """Ansible itself ends a run when a whole batch has left it; nothing later is touched."""
    lost = hosts(a="unreachable", b="unreachable")
    found = ours(tmp_path, how=lost, edge_waves=WAVES)
    assert (found.code, found.did) == (4, []), found.text
    assert verdicts(tmp_path) == [("", "")], "it has not ended"
    again = ours(tmp_path, how=hosts(), edge_waves=WAVES)
    assert (again.code, again.did) == (0, list("abcdefgh")), again.text
    assert "going on with rollout 1" in again.text
    assert verdicts(tmp_path) == [("done", "")]


def test_no_batch_begins_unless_the_one_before_was_judged(tmp_path: Path) -> None:
    """The turns are in one task, and the one host that stays to ask the gate leaves the play."""
    plays = kills.plays(tmp_path)
    (tasks,) = [play["tasks"] for play in plays if "rollout_gate" in str(play["tasks"])]
    gate = [number for number, task in enumerate(tasks) if "openvino.edge.rollout_gate" in task][0]
    lost = {"ansible.builtin.fail": {"msg": "lost"}, "when": "inventory_hostname == 'a'"}
    tasks.insert(gate, {"name": "Leave the play", **lost})
    (tmp_path / "store").mkdir()
    given: dict[str, Any] = {"edge_waves": WAVES, "edge_one_task": True}
    found = wavekit.run(tmp_path, plays, hosts(), **given)
    assert found.code == 2, found.text
    assert states(tmp_path) == {"a": ("done", ""), "b": ("done", "")}, found.text
    text = " ".join(found.text.split())
    assert "nothing was begun in wave 2: the batch before was not judged" in text
    assert verdicts(tmp_path) == [("", "")], "it has not ended"

    tasks.pop(gate)
    again = wavekit.run(tmp_path, plays, hosts(), **given)
    assert again.code == 0, again.text
    assert {state for state, _phase in states(tmp_path).values()} == {"done"}
    assert verdicts(tmp_path) == [("done", "")]


def test_a_host_that_no_play_can_name_is_refused(tmp_path: Path) -> None:
    """Ansible would find no host for the plays after the first one, and end with 0."""
    found = ours(tmp_path, how={**hosts(), "arn:aws:eks:eu-west-1:1:cluster/a": ""})
    assert (found.code, found.did) == (2, []), found.text
    assert "clusters: arn:aws:eks:eu-west-1:1:cluster/a: a play cannot name this host" in " ".join(
        found.text.split()
    )


def test_check_mode_goes_over_all_and_writes_nothing(tmp_path: Path) -> None:
    found = ours(tmp_path, "--check", how=hosts(a="fail", e="fail"), edge_waves=WAVES)
    assert (found.code, found.did) == (2, list("bcdfgh")), found.text
    assert not (tmp_path / "journal.sqlite").exists()


def test_without_waves_each_cluster_is_for_itself(tmp_path: Path) -> None:
    found = ours(tmp_path, how=hosts(a="fail", e="fail"))
    assert (found.code, found.did) == (2, list("bcdfgh")), found.text
    assert not (tmp_path / "journal.sqlite").exists()


def test_a_hub_that_does_not_answer_is_one_error_before_anything_is_asked(tmp_path: Path) -> None:
    hub = {"host": wavekit.NOWHERE, "namespace": "edge-rollouts"}
    found = ours(tmp_path, how=hosts(), edge_waves=WAVES, edge_journal=hub, edge_fleet="shops")
    assert (found.code, found.did) == (2, []), found.text
    assert "journal: hub https://127.0.0.1:1" in " ".join(found.text.split())
    assert "Begin the turn" not in found.text


def test_bad_waves_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    found = ours(tmp_path, how=hosts(), edge_waves=[{"groups": ["nobody"]}])
    assert found.code == 2 and found.did == []
    # The YAML of 2.16 doubles quotes.
    text = found.text.replace("''", "'")
    assert "waves[0].groups: the inventory has no group 'nobody'" in text
    assert "Begin the turn" not in found.text


def stock(folder: Path, tasks: "list[dict[str, Any]]", how: "dict[str, str]") -> "dict[str, bool]":
    """Return who got into the rescue of a block of Ansible's own."""
    block = {
        "name": "A block",
        "block": tasks,
        "rescue": [{"name": wavekit.DID, "ansible.builtin.debug": {"msg": "rescued"}}],
    }
    play = {"name": "Stock", "hosts": "all", "gather_facts": False, "tasks": [block]}
    found = wavekit.run(folder, [play], how)
    return {name: name in found.did for name in how} | {"exit 0": found.code == 0}


def test_why_no_gate_is_a_task_that_runs_once_in_a_block(tmp_path: Path) -> None:
    """After 2.16 the others leave the play without a word when such a task fails."""
    task = {"name": "Gate", "ansible.builtin.fail": {"msg": "stop"}, "run_once": True}
    rescued = stock(tmp_path, [task], {"a": "", "b": "", "c": ""})
    assert rescued == {"a": True, "b": OLD, "c": OLD, "exit 0": OLD}


def test_any_errors_fatal_in_a_block_takes_the_others_into_the_rescue(tmp_path: Path) -> None:
    """Since 2.17; on 2.16 they go on with the block."""
    tasks: "list[dict[str, Any]]" = [
        {
            "name": "Fail for one",
            "ansible.builtin.fail": {"msg": "no"},
            "when": "how == 'fail'",
            "any_errors_fatal": True,
        },
        {"name": "Next", "ansible.builtin.debug": {"msg": "next"}},
    ]
    rescued = stock(tmp_path, tasks, {"a": "fail", "b": "", "c": ""})
    assert (rescued["a"], rescued["b"], rescued["c"]) == (True, not OLD, not OLD)


def test_a_hold_without_waves_is_told_as_deferred(tmp_path: Path) -> None:
    found = ours(tmp_path, how=hosts(), edge_hold="inventory day")
    assert (found.code, found.did) == (0, []), found.text
    assert "rollout done: 0 done, 8 deferred" in found.text


def test_a_deadline_that_is_no_number_is_refused_and_not_taken_for_none(tmp_path: Path) -> None:
    found = ours(tmp_path, how=hosts(), edge_waves=WAVES, edge_deadline="soon")
    assert (found.code, found.did) == (2, []), found.text
    # YAML output folds long lines and doubles quotes.
    text = " ".join(found.text.split()).replace("''", "'")
    assert "deadline: 'soon' is no whole number of seconds. Write edge_deadline: 1800" in text
    assert states(tmp_path)["a"] == ("failed", "begin")


def test_a_killed_rollout_ends_as_one_that_nobody_disturbed(tmp_path: Path) -> None:
    """A sample of `make fleet-kills`."""
    (_name, given, variables) = kills.kinds(4)[1]
    calm, killed = (kills.Rollout(tmp_path / name, given, variables) for name in ("calm", "killed"))
    for one in (calm, killed):
        one.store.mkdir(parents=True)
    killed.disturbed(random.Random(7), calm.undisturbed(), most=2)
    killed.judge(calm)
    assert not killed.faults
    assert killed.kills


def test_clusters_of_one_site_are_not_worked_on_together(tmp_path: Path) -> None:
    waves = [{"name": "all", "rest": True, "groups": []}]
    alone = {"edge_sites": ["all"], "edge_max_per_site": 3}
    found = ours(tmp_path, how=hosts(b="fail"), edge_waves=waves, **alone)
    assert (found.code, found.did) == (2, ["a", "c"]), found.text
    assert set(states(tmp_path)) == set("abc"), "the next batch was not begun"


# Waits until as many clusters as it is to meet are in it, for some seconds at most, and says how
# many it met.
COPY = """---
- name: Copy as a test sees it
  ansible.builtin.command:
    argv:
      - "{{ ansible_python_interpreter }}"
      - -c
      - |
        import os, sys, time
        folder, name, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
        open(f"{folder}/{name}", "x").close()
        end = time.monotonic() + 20
        while (met := len(os.listdir(folder))) < wanted and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.3)
        met = max(met, len(os.listdir(folder)))
        os.remove(f"{folder}/{name}")
        print(met)
      - "{{ copies }}"
      - "{{ inventory_hostname }}"
      - "{{ at_least }}"
  register: met
- name: Say how many it met
  ansible.builtin.debug:
    msg: "met {{ met.stdout }}"
"""


def most_together(tmp_path: Path, **variables: Any) -> int:
    """Return how many clusters got their copy at a time."""
    role, copies = tmp_path / "roles" / "copy", tmp_path / "copies"
    (role / "tasks").mkdir(parents=True)
    copies.mkdir()
    (role / "tasks" / "main.yml").write_text(COPY)
    plays = wavekit.ours_with_role(str(role))
    found = wavekit.run(tmp_path, plays, hosts(), copies=str(copies), **variables)
    met = [int(number) for number in re.findall(r"met (\d+)", found.text)]
    assert (found.code, len(met)) == (0, len(hosts())), found.text
    return max(met)


def test_so_many_clusters_get_a_copy_at_a_time(tmp_path: Path) -> None:
    assert most_together(tmp_path, edge_copies=2, at_least=2) == 2


def test_without_a_cap_all_get_their_copy_together(tmp_path: Path) -> None:
    assert most_together(tmp_path, at_least=8) == 8
