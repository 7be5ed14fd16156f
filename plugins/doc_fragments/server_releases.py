# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options about releases."""

from __future__ import annotations


class ModuleDocFragment:
    """C(server_releases): what is recorded; C(server_releases.run): by whom."""

    DOCUMENTATION = r"""
options:
  release_history:
    description:
      - How many releases of the server are recorded, each in a ConfigMap of the namespace, as
        C(NAME-release-NUMBER). V(0) records none.
      - A release is recorded when its options differ from those of the newest record. It is
        V(good) once every replica has reported every wanted version AVAILABLE.
        M(openvino.edge.release_info) lists releases, M(openvino.edge.release) goes back to one.
      - Options that hold a secret are left out of the record, and named in it.
      - With O(state=absent) and O(state=returned) the records go, too.
    type: int
    default: 10
  failed_install:
    description:
      - What becomes of a server that was not there before and does not serve what it should.
      - With V(remove) it is removed again, and the task fails with the reason. A server that is
        only slow, or that nobody can ask, stays.
      - With V(keep) it stays for inspection, and M(openvino.edge.model_status) tells what is wrong.
    type: str
    choices: [keep, remove]
    default: keep
"""

    RUN = r"""
options:
  release_run:
    description:
      - What made this release, as the record is to say it, for example the number of a job, a URL
        or a commit. One line of at most 200 characters.
    type: str
    default: ""
"""
