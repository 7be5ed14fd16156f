"""`make fleet-leaks`: three ways in which Ansible's own limits leak, and ours beside.

The clusters are none and the job is a message; what is compared is which hosts get it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Sequence

import wavekit


@dataclass(frozen=True)
class Leak:
    """One way: what fails, what stock Ansible is told, and what we are told."""

    name: str
    hosts: dict[str, str]
    stock: dict[str, Any]
    strategy: str
    ours: dict[str, Any]


def fleet(count: int, *bad: int, how: str = "fail") -> dict[str, str]:
    """Return clusters of which the ones with these numbers, from 1 on, do what C(how) says."""
    return {f"c{number:03}": how if number in bad else "" for number in range(1, count + 1)}


def leaks(count: int) -> list[Leak]:
    """Return the three, over so many clusters."""
    tenth = count // 10
    each = fleet(count, *range(1, count + 1, tenth))
    waves = [tenth, {"name": "rest", "rest": True}]
    first = {"serial": [tenth, count - tenth], "max_fail_percentage": 0}
    return [
        Leak(
            "one failure in each batch",
            each,
            {"serial": tenth, "max_fail_percentage": 100 // tenth},
            "",
            {"edge_waves": [{"rest": True, "batch": tenth}], "edge_max_failures": 2},
        ),
        Leak(
            "a failed canary under strategy free",
            fleet(count, 1),
            first,
            "free",
            {"edge_waves": waves},
        ),
        Leak(
            "an unreachable canary",
            fleet(count, 1, how="unreachable"),
            first,
            "",
            {"edge_waves": waves},
        ),
    ]


def rows(count: int, folder: Path) -> list[tuple[str, wavekit.Outcome, wavekit.Outcome]]:
    """Run all three both ways."""
    found = []
    for number, leak in enumerate(leaks(count)):
        outcomes = []
        for kind, plays, given in (
            ("stock", wavekit.stock(**leak.stock), {}),
            ("ours", wavekit.ours(), leak.ours),
        ):
            place = folder / f"{number}-{kind}"
            place.mkdir()
            outcomes.append(wavekit.run(place, plays, leak.hosts, strategy=leak.strategy, **given))
        found.append((leak.name, outcomes[0], outcomes[1]))
    return found


def main(arguments: Sequence[str]) -> int:
    """Print the table; fail if one of ours went on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=100)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="edge-leaks-") as folder:
        found = rows(options.clusters, Path(folder))
    core = version("ansible-core")
    print(
        f"ansible-core {core}, {options.clusters} clusters that are none; hosts that got the job\n"
    )
    print(
        "| what happens | stock Ansible | exit | openvino.edge.site | exit |\n|---|---|---|---|---|"
    )
    for name, theirs, mine in found:
        print(f"| {name} | {len(theirs.did)} | {theirs.code} | {len(mine.did)} | {mine.code} |")
    limits = [3 * (options.clusters // 10), options.clusters // 10, options.clusters // 10]
    bad = [
        name
        for (name, _, mine), most in zip(found, limits)
        if len(mine.did) >= most or not mine.code
    ]
    print(f"\nfleet-leaks: {len(found) - len(bad)} of {len(found)} stopped where they should")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
