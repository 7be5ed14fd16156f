# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Debian's packages come from: what this machine's apt is set to."""

from __future__ import annotations

import os
from pathlib import Path

from edge_images.process import BuildError, run


def configured_mirror(suite: str) -> str:
    """The Debian archive this machine's apt uses for `suite`.

    Raises BuildError when there is none: EDGE_DEBIAN_MIRROR names one then.
    """
    chosen = os.environ.get("EDGE_DEBIAN_MIRROR")
    if chosen:
        return chosen
    listing = run(
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI) $(CODENAME) $(COMPONENT)",
        "Created-By: Packages",
    )
    rows = [line.split() for line in listing.splitlines()]
    found = [row[0] for row in rows if len(row) == 3 and row[1:] == [suite, "main"]]
    if not found:
        raise BuildError(
            f"apt knows no archive of Debian {suite}: name one in EDGE_DEBIAN_MIRROR "
            "(http://HOST/debian)"
        )
    return plain_address(found[0])


def plain_address(address: str) -> str:
    """What debootstrap can use: Debian's cloud images keep addresses in a list for apt only."""
    prefix = "mirror+file:"
    if not address.startswith(prefix):
        return address
    listed = Path(address[len(prefix) :].rstrip("/")).read_text().split()
    if not listed:
        raise BuildError(f"{address} lists no mirror: name one in EDGE_DEBIAN_MIRROR")
    return listed[0]


def proxy_environment() -> dict[str, str]:
    """debootstrap's wget takes the proxy from the environment, apt from its configuration."""
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    for scheme in ("http", "https"):
        proxy = run("apt-config", "dump", "--format", "%v", f"Acquire::{scheme}::Proxy").strip()
        if proxy and proxy != "DIRECT":
            environment.setdefault(f"{scheme}_proxy", proxy)
    return environment
