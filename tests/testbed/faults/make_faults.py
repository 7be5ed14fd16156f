# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault tests, as ``make faults`` runs them (README.md beside this file).

Brings a lab cluster of its own up, does the trials, takes it down again, writes a page, and ends
with one line per fault. The exit status is 1 when one of ours falls short.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / name) for name in ("lab", "bench", "volumes"))]
sys.dont_write_bytecode = True

import peers  # noqa: E402
from edge_faults import world as worlds  # noqa: E402
from edge_faults.candidates import Candidate, K8sCp, KubectlCp, Ours  # noqa: E402
from edge_faults.catalog import FAULTS, Fault  # noqa: E402
from edge_faults.verdict import Tally, page  # noqa: E402

CLUSTER = "faults"


def arguments() -> argparse.Namespace:
    """Parse the command line; the environment gives the defaults."""
    env = os.environ
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=env.get("FAULTS", "").split())
    parser.add_argument("--quick", action="store_true", default=env.get("QUICK") == "1")
    parser.add_argument("--seed", type=int, default=int(env.get("SEED") or time.time()))
    parser.add_argument("--trials", type=int, default=int(env.get("TRIALS") or 0))
    parser.add_argument("--lanes", type=int, default=int(env.get("LANES") or 2))
    parser.add_argument("--no-peers", action="store_true", default=env.get("PEERS") == "0")
    parser.add_argument("--only-peers", action="store_true")
    keep = bool(env.get("EDGE_FAULTS_KEEP"))
    parser.add_argument("--keep", action="store_true", default=keep, help="leave the cluster up")
    parser.add_argument("--output", type=Path, default=None, help="folder of the page")
    options = parser.parse_args()
    known = [fault.name for fault in FAULTS]
    for name in options.names:
        if name not in known:
            parser.error(f"no fault {name!r}; there are: {' '.join(known)}")
    return options


def chosen(options: argparse.Namespace) -> list[Fault]:
    """Return the faults to run; a sample leaves those out that it has no trial of."""
    if options.names:
        return [fault for fault in FAULTS if fault.name in options.names]
    return [fault for fault in FAULTS if fault.quick or not options.quick]


def run_ours(runner: worlds.Runner, options: argparse.Namespace) -> list[Tally]:
    """Run every fault with our module."""
    tallies = []
    for fault in chosen(options):
        count = options.trials or (max(1, fault.quick) if options.quick else fault.full)
        tallies.append(runner.run(fault, Ours(), count))
        worlds.say(tallies[-1].line())
    return tallies


def run_peers(runner: worlds.Runner, options: argparse.Namespace) -> list[Tally]:
    """Run every fault with the peers that can meet it."""
    candidates: list[Candidate] = [KubectlCp(), K8sCp(path=str(peers.kubernetes_core()))]
    tallies = []
    for fault in chosen(options):
        for candidate in candidates:
            count = fault.quick_peers if options.quick else fault.peers
            count = min(count, options.trials or count)
            if count:
                tallies.append(runner.run(fault, candidate, count))
                worlds.say(f"({candidate.name}) {tallies[-1].line()}")
            else:
                why = fault.why_not or "not run in a quick run"
                tallies.append(Tally(fault.name, candidate.name, False, why_not=why))
    return tallies


def closing(tallies: list[Tally], options: argparse.Namespace, seconds: float, watched: str) -> int:
    """Write the page, print the lines, and return the exit status."""
    kind = "quick" if options.quick else "full"
    head = [
        worlds.machine_line(),
        "",
        f"Seed {options.seed}, {kind} run, {seconds / 60:.1f} minutes.",
        watched,
        "",
        "`bytes`: what the disturbed and the next run sent together, as a multiple of an",
        "undisturbed run; the bound is 1.05 times that run, and what was in flight.",
    ]
    text = page(tallies, head)
    output = options.output or Path(os.environ.get("EDGE_STATE", tempfile.gettempdir())) / "faults"
    output.mkdir(parents=True, exist_ok=True)
    (output / "faults.md").write_text(text)
    print("\n" + text)
    print(f"page: {output / 'faults.md'}")
    ours = [tally for tally in tallies if tally.ours]
    for tally in ours:
        print(tally.line())
    # Last, since whoever reads a long log often has only its end.
    for words in (remark for tally in ours for remark in tally.remarks()):
        print(f"SHORT: {' '.join(words.split())[:800]}")
    return 0 if ours and all(tally.sound for tally in ours) else 1


def main() -> int:
    """Run what was asked for."""
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    worlds.say(f"seed {options.seed}: the same trials again with SEED={options.seed}")
    tallies: list[Tally] = []
    with tempfile.TemporaryDirectory(prefix="edge-faults-") as folder:
        world = worlds.World(CLUSTER, Path(folder), peers.kubectl(), options.seed)
        try:
            world.up(worlds.images())
            runner = worlds.Runner(world, options.lanes)
            if not options.only_peers:
                tallies += run_ours(runner, options)
            if not options.no_peers:
                tallies += run_peers(runner, options)
        except KeyboardInterrupt:
            worlds.say("stopped")
        finally:
            world.down(options.keep)
            if not options.keep:
                worlds.lab("down", CLUSTER)
    return closing(tallies, options, time.monotonic() - began, world.watch_line())


if __name__ == "__main__":
    sys.exit(main())
