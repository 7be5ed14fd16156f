#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Put a model server back to a recorded release
version_added: 0.1.0
description:
  - Goes back to a release that M(openvino.edge.model_server) has recorded, without a copy. Where
    only models and their settings differ, running servers load the old configuration without a
    restart.
  - It is M(openvino.edge.model_server) with the options of the record, so all that is checked and
    supervised there is here, too. The model versions have to be on the store still; retention of
    M(openvino.edge.model_repository) spares those of the newest release and of the one to go back
    to.
  - Ends when every replica reports every version of that release AVAILABLE, and no other, as
    M(openvino.edge.model_status) does; fails if one does not.
  - The way back is a release itself, with a number of its own. Going back a second time changes
    nothing.
options:
  namespace:
    description: Namespace of the server.
    type: str
    required: true
  name:
    description: Name of the server.
    type: str
    required: true
  to:
    description:
      - Number of a release, or V(last_good), the newest release before the current one that has
        passed the gate and differs from it. A release that was left by going back is not chosen
        again. After a way back that came to no verdict, as that of a run that was killed, it is the
        same release once more.
    type: str
    default: last_good
  options:
    description:
      - Options of M(openvino.edge.model_server) whose values the record does not hold, since they
        are secret. Others are ignored.
    type: dict
    default: {}
  wait:
    description: Waits until exactly the wanted pods run and serve.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
seealso:
  - module: openvino.edge.release_info
  - module: openvino.edge.model_server
  - module: openvino.edge.model_status
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.server_releases.run
  - openvino.edge.attributes
  - openvino.edge.attributes.changes
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Back to what worked
  openvino.edge.release:
    namespace: edge
    name: ocr

- name: Back to a certain release, whose bucket needs a login
  openvino.edge.release:
    namespace: edge
    name: ocr
    to: 5
    release_run: "ticket 815"
    options:
      cloud:
        s3:
          access_key_id: "{{ vault_s3_key }}"
          secret_access_key: "{{ vault_s3_secret }}"
"""

RETURN = r"""
from_release:
  description: Number of the newest release before the task.
  returned: success
  type: int
  sample: 6
to_release:
  description: Number of the release that was put back.
  returned: success
  type: int
  sample: 5
release:
  description: The record of the way back.
  returned: success, not in check mode
  type: dict
  contains:
    number:
      description: Its own number.
      type: int
    verdict:
      description: V(good), V(failed) or V(unknown).
      type: str
    reason:
      description: Why it is not V(good).
      type: str
    restores:
      description: Number of the release that was put back; null if nothing had to be recorded.
      type: int
  sample: {number: 7, verdict: good, reason: "", restores: 5}
objects:
  description: What was done with each object.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
    name:
      description: Name of the object.
      type: str
    action:
      description: One of V(created), V(updated), V(deleted) and V(unchanged).
      type: str
  sample:
    - {kind: ConfigMap, name: ocr-config, action: updated}
reload:
  description: What running servers go through; see M(openvino.edge.model_server).
  returned: success
  type: str
  sample: config_reload
reload_reason:
  description: Why, in words.
  returned: success
  type: list
  elements: str
  sample: [the configuration differs]
config:
  description: The server's configuration file.
  returned: success
  type: dict
seconds:
  description: How long the deployment took.
  returned: success
  type: float
error:
  description: The parts of the error message, for programs.
  returned: failure
  type: dict
  contains:
    kind:
      description: Class of the error.
      type: str
    message:
      description: What is wrong.
      type: str
    option:
      description: The option that has to change, if one has.
      type: str
    hint:
      description: The way out.
      type: str
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.rollout.entry import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
