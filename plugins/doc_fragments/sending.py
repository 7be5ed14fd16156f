# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How bytes go from the controller to a site."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the module that publishes."""

    DOCUMENTATION = r"""
options:
  delta:
    description:
      - With V(auto), a changed file of 64 KiB and more is built on the store from the same file of
        another version of the model there, and only the differences are sent. A file that
        has little in common with the old one is sent whole. Not with O(transport=exec).
      - With V(never), files with other bytes are always sent whole.
    type: str
    choices: [auto, never]
    default: auto
  compress:
    description:
      - With V(auto), what becomes notably smaller is compressed on the way. Not with
        O(transport=exec).
      - With V(never), nothing is, which saves time of the processor.
    type: str
    choices: [auto, never]
    default: auto
  bandwidth_limit:
    description:
      - Most bytes per second that the controller sends to the site, over all streams together, for
        example V(20M) (MiB), V(512K) (KiB) or V(1000000). At least 1 KiB.
      - Without it, or with V(0), there is no limit.
    type: str
  bandwidth_limit_total:
    description:
      - Most bytes per second that this controller sends to all sites together, in the same form as
        O(bandwidth_limit). It holds over all tasks that run at the same time as the same user on
        the same machine and have this option, whatever play they are of; they share it evenly by
        stream. O(bandwidth_limit) holds besides.
      - What the tasks share is the file C(~/.cache/openvino-edge/bandwidth) (or below
        E(XDG_CACHE_HOME)). In an execution environment it is one for each container, so for each
        job.
      - Without it, or with V(0), there is no limit.
    type: str
"""
