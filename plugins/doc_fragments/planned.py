# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the option that lets check mode go on where nothing is yet."""

from __future__ import annotations


class ModuleDocFragment:
    """The option in C(kube/planned.py)."""

    DOCUMENTATION = r"""
options:
  planned_objects:
    description:
      - In check mode, the namespace and the claim that earlier tasks of the play would have made by
        now, as these returned them. What of it is not on the cluster is taken for there, as it is
        defined, so that this task can tell what it would do.
      - Without it a namespace or a claim that is missing is an error in check mode, too.
      - Means nothing outside of check mode.
    type: list
    elements: dict
"""
