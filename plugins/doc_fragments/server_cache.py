# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of a model server."""

from __future__ import annotations


class ModuleDocFragment:
    """The option C(model_cache)."""

    DOCUMENTATION = r"""
options:
  model_cache:
    description:
      - Keeps compiled models in C(/opt/cache), so that a server which starts again loads them
        faster. It pays with GPUs and NPUs; on a CPU it may even be slower.
      - An empty dictionary takes the defaults. Without it nothing is kept.
      - The server does not cache models whose C(batch_size) or C(shape) is V(auto), unless they
        have C(allow_cache), nor those of custom loaders.
    type: dict
    suboptions:
      size:
        description:
          - What a volume that lives as long as its pod may hold. Without it V(1Gi).
          - A pod whose cache grows beyond that is ended by the kubelet. A compiled model for the
            CPU is as big as its weights, so add up those of all served versions.
        type: str
      persistent:
        description:
          - Keeps it on the claim of O(pvc) instead, in C(cache/NAME/NODE) beside C(models). Each
            node has its own, since what is compiled fits its hardware.
          - Nothing limits or removes what is there, not even O(state=absent).
          - Where the server may not write, or the claim is full, OVMS caches nothing and does not
            say so.
        type: bool
        default: false
"""
