# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `tests/testbed/lab/lab --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_lab import build, cluster, host, images, machine, paths, plan, status, teardown
from edge_lab.errors import LabError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="only build the programs and the lab's images")
    up = commands.add_parser("up", help="bring clusters up (default: factory and shop)")
    up.add_argument("names", nargs="*", metavar="NAME")
    up.add_argument("--nodes", type=int, help="nodes of a new cluster (default 1, factory 2)")
    down = commands.add_parser("down", help="take clusters down (default: all)")
    down.add_argument("names", nargs="*", metavar="NAME")
    show = commands.add_parser("status", help="what runs")
    show.add_argument("--json", action="store_true", help="for programs, with all paths")
    config = commands.add_parser("kubeconfig", help="print the path of a kubeconfig file")
    config.add_argument("name", metavar="NAME")
    config.add_argument("--user", choices=("admin", "restricted"), default="admin")
    load = commands.add_parser("load-image", help="import an OCI image tar into all nodes")
    load.add_argument("tars", nargs="+", type=Path, metavar="TAR")
    load.add_argument("--cluster", metavar="NAME", help="only into this cluster")
    inside = commands.add_parser("exec", help="run a command inside a machine")
    inside.add_argument("machine", metavar="NODE")
    inside.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD")
    return parser


def _up(names: Sequence[str], nodes: int | None) -> None:
    cluster.require_host()
    for name in names or plan.DEFAULTS:
        cluster.up(name, nodes)


def _down(names: Sequence[str]) -> None:
    host.require_root()
    for name in names or teardown.all_names():
        teardown.down(name)


def _load_images(tars: Sequence[Path], name: str | None) -> None:
    for tar in tars:
        if not tar.is_file():
            raise LabError(f"no such file: {tar}")
    nodes = [node for item in _chosen(name) for node in item.nodes]
    for tar in tars:
        for node in nodes:
            if not images.load(node, tar):
                host.say(f"{node.name}: has {tar.name} already")


def _chosen(name: str | None) -> list[plan.Cluster]:
    return [cluster.get(name)] if name else cluster.known()


def _exec(name: str, argv: Sequence[str]) -> None:
    command = [word for position, word in enumerate(argv) if (position, word) != (0, "--")]
    if not command:
        raise LabError("exec: name a command, as in: lab exec factory-1 -- ctr images list")
    for item in cluster.known():
        for target in item.machines:
            if target.name == name:
                entered = machine.enter(target, command)
                os.execvp(entered[0], entered)
    raise LabError(f"no machine {name!r}")


def _status(as_json: bool) -> None:
    if as_json:
        print(json.dumps([status.facts(item) for item in cluster.known()], indent=2))
    else:
        print(status.render(cluster.known()))


def _kubeconfig(name: str, user: str) -> None:
    print(cluster.kubeconfig_path(cluster.get(name), user))


def _dispatch(options: argparse.Namespace) -> None:
    if options.command == "build":
        binaries = build.ensure()
        images.make_own(binaries)
        print(binaries)
    elif options.command in ("up", "down"):
        with build.locked(paths.state() / ".lock", "changing clusters"):
            if options.command == "up":
                _up(options.names, options.nodes)
            else:
                _down(options.names)
    elif options.command == "status":
        _status(options.json)
    elif options.command == "kubeconfig":
        _kubeconfig(options.name, options.user)
    elif options.command == "load-image":
        _load_images(options.tars, options.cluster)
    else:
        _exec(options.machine, options.argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 after saying what went wrong."""
    try:
        _dispatch(_parser().parse_args(argv))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0
