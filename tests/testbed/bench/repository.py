# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure model_repository against its peers on the lab, and print (or write) the tables."""

from __future__ import annotations

import argparse
import datetime
import os
import secrets
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE.parent / "faults")]
sys.dont_write_bytecode = True

import measure  # noqa: E402
from edge_lab import cluster as lab_clusters  # noqa: E402
from repository_hosts import Hosts  # noqa: E402
from repository_plot import svg  # noqa: E402
from repository_report import Medians, extent, tables  # noqa: E402
from repository_rounds import BIG, GROUPS, Results, Rounds, Sizes  # noqa: E402
from repository_runs import Runs  # noqa: E402
from repository_site import (  # noqa: E402
    Link,
    Site,
    install_programs,
    load,
    rsync_image,
    versions_of,
)
from run import machine  # noqa: E402

LAB = ROOT / "tests/testbed/lab/lab"
LINK_NUMBER = 50
Tell = Callable[[Results, str, int], None]
QUICK = Sizes(mib=48, small=500, nodes=32, slow=6)
COMMAND = "make bench-repository"
HOW_TO_READ = """
How to read it: plays carry the cost of `ansible-playbook` itself; *net* is without an empty play
that is measured in the same rounds. Ours starts its helper pod, hashes on both ends, flushes to
the disk and publishes by rename within the measured time. `kubectl cp`, `k8s_cp` and `rsync` copy
into a pod that already runs, flush nothing (but for `rsync --fsync`) and hide nothing from a
server meanwhile; rsync gets the older version as basis of its deltas (`--copy-dest`), and reaches
its daemon past the API server (a NodePort). The floor is `curl -T` through the pod proxy into a
program that writes the file, flushes it and does nothing else. The controller runs in a network of
its own on the cluster's bridge, whose card counts the bytes on the wire (both directions, with
headers, TLS and repeats); 20 Mbit/s is a token bucket (`tc tbf`) in both directions. Sizes are
checked after every copy, hashes once for each situation.
"""


def arguments() -> argparse.Namespace:
    """Parse the command line; C(QUICK=1) makes a sample of a few minutes."""
    quick = os.environ.get("QUICK") == "1"
    sizes = QUICK if quick else Sizes()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1 if quick else 5)
    parser.add_argument("--mib", type=int, default=sizes.mib, help="size of the model")
    parser.add_argument("--small", type=int, default=sizes.small, help="number of small files")
    parser.add_argument("--nodes-mib", type=int, default=sizes.nodes, help="size for two nodes")
    parser.add_argument("--slow-mib", type=int, default=sizes.slow, help="size at 20 Mbit/s")
    parser.add_argument("--only", choices=GROUPS, action="append", help="more than once: several")
    parser.add_argument("--output", type=Path, help="write the page here, and an .svg beside it")
    return parser.parse_args()


def measured(options: argparse.Namespace, sizes: Sizes, tell: Tell) -> None:
    """Do all rounds; everything that was made is removed again.

    Args:
        options: of the command line.
        sizes: how much is copied.
        tell: told what is known so far, after each round.
    """
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-bench-")))
        link = Link(lab_clusters.get("factory"), LINK_NUMBER, "")
        link.up()
        stack.callback(link.down)
        name = f"edge-bench-{secrets.token_hex(3)}"
        site = _site(stack, name, work, link)
        site.make_namespace()
        site.make_claims()
        hosts_site = _site(stack, f"{name}-hosts", work, link)
        hosts_site.make_namespace({"pod-security.kubernetes.io/enforce": "privileged"})
        hosts = Hosts(hosts_site, name)
        stack.callback(hosts.end)
        hosts.start()
        address = f"{site.node_of('rsyncd')}:{site.port_of('rsyncd')}"
        rounds = Rounds(Runs(site, f"rsync://{address}/data"), hosts, sizes, options.only or ())
        versions = versions_of(site)
        rounds.big()
        for number in range(options.rounds):
            rounds.round(number)
            tell(rounds.results, versions, number + 1)


def _site(stack: ExitStack, name: str, work: Path, link: Link) -> Site:
    folder = work / name
    folder.mkdir()
    site = Site(name, folder, link)
    stack.callback(site.remove_namespace)
    return site


def picture(results: Results, sizes: Sizes) -> str:
    """Return the plot: net wall seconds of every candidate in every situation."""
    medians = Medians.of(results)
    bars = {
        f"{situation} ({extent(situation, sizes)})": {
            name: medians.net(situation, name).wall for name in by_name
        }
        for situation, by_name in medians.figures.items()
        if situation not in ("", BIG)
    }
    return svg("Copying a model to a cluster: net seconds, median (logarithmic)", "s", bars)


def page(plot_name: str, results: Results, sizes: Sizes, versions: str, rounds: int) -> str:
    """Return the whole page."""
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    head = f"{today}, `{COMMAND}`, medians of {rounds}. {versions}. {machine()}\n"
    plot = f"![Net seconds of every candidate]({plot_name})\n" if plot_name else ""
    parts = ["# Benchmarks of the repository engine\n", head, plot, tables(results, sizes)]
    return "\n".join([*parts, HOW_TO_READ])


def main() -> int:
    """Run it; exit code 1 when a candidate failed or did not bring the bytes."""
    options = arguments()
    if os.environ.get("EDGE_KUBECONFIG"):
        print("not run: it shapes and counts a link of the lab's own cluster")
        return 0
    sizes = Sizes(options.mib, options.small, options.nodes_mib, options.slow_mib)
    output: Path | None = options.output
    plot = output.with_suffix(".svg") if output else None
    begun, texts = time.monotonic(), [""]

    def tell(results: Results, versions: str, rounds: int) -> None:
        texts[0] = page(plot.name if plot else "", results, sizes, versions, rounds)
        if output and plot:
            output.write_text(texts[0])
            plot.write_text(picture(results, sizes))

    try:
        install_programs()
        load(LAB, rsync_image())
        measured(options, sizes, tell)
    except (measure.BenchError, RuntimeError) as error:
        sys.stderr.write(f"bench-repository: {error}\n")
        return 1
    print(texts[0])
    print(f"took {(time.monotonic() - begun) / 60:.1f} minutes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
