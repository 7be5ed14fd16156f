# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites: clusters that share one link, of which only so many are worked on at a time. Pure.

A site is a group of the inventory, so that slices, which know each other's groups, agree on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Dict, List, Mapping, Sequence, Tuple

from ..errors import InputError


@dataclass(frozen=True)
class Sites:
    """Which cluster is at which site.

    Attributes:
        of: group of the site by cluster; a cluster that is not here is alone at its site.
        most: so many clusters of one site are in a batch; all of them if it is 0.
    """

    of: Mapping[str, str] = field(default_factory=dict)
    most: int = 0


NO_SITES = Sites()


def sites_of(
    patterns: Sequence[str],
    most: int,
    clusters: Sequence[str],
    groups: Mapping[str, Sequence[str]],
) -> Sites:
    """Return the sites.

    Args:
        patterns: of the names of groups, each of which is a site.
        most: clusters of one site at a time.
        clusters: all of the run.
        groups: hosts by group of the inventory.

    Raises:
        InputError: one of the two options is missing, no group has such a name, or a cluster is at
            two sites.
    """
    if most < 0:
        raise InputError(
            f"{most} is no number of clusters",
            option="max_per_site",
            hint="Give 1 or more (edge_max_per_site)",
        )
    if bool(patterns) != bool(most):
        missing = "sites" if most else "max_per_site"
        raise InputError(
            "sites and max_per_site go together, and one of them is missing",
            option=missing,
            hint="Give both, such as edge_sites: [site_*] and edge_max_per_site: 1",
        )
    known = set(clusters)
    found: Dict[str, str] = {}
    for group in sorted(groups):
        if any(fnmatchcase(group, pattern) for pattern in patterns):
            for name in known.intersection(groups[group]):
                if name in found:
                    raise InputError(
                        f"the cluster is at site '{found[name]}' and at site '{group}'",
                        option="sites",
                        subject=name,
                        hint="Take it out of one of these groups, or narrow the names of sites",
                    )
                found[name] = group
    if patterns and not found:
        raise InputError(
            f"no cluster is in a group with a name like {', '.join(patterns)}",
            option="sites",
            hint="Name some of the inventory's groups (edge_sites):"
            f" {', '.join(sorted(set(groups) - {'all', 'ungrouped'})) or 'it has none'}",
        )
    return Sites(found, most)


def spread(clusters: Sequence[str], size: int, sites: Sites) -> List[Tuple[str, ...]]:
    """Return clusters in parts, each as early as it may be.

    Args:
        clusters: in their order.
        size: clusters of a part at most.
        sites: how many of one site may be in a part.
    """
    parts: List[List[str]] = []
    counts: List[Dict[str, int]] = []
    first = 0  # all parts before it are full
    begin: Dict[str, int] = {}  # the same for a site
    for name in clusters:
        site = sites.of.get(name, "") if sites.most else ""
        number = max(first, begin.get(site, 0))
        while number < len(parts) and len(parts[number]) >= size:
            number += 1
        if number == len(parts):
            parts.append([])
            counts.append({})
        parts[number].append(name)
        if site:
            counts[number][site] = counts[number].get(site, 0) + 1
            begin[site] = number + (counts[number][site] >= sites.most)
        while first < len(parts) and len(parts[first]) >= size:
            first += 1
    return [tuple(part) for part in parts]
