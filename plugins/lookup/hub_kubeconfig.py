# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup openvino.edge.hub_kubeconfig."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hub_kubeconfig
short_description: Kubeconfig of a cluster whose credentials a hub keeps
version_added: 0.1.0
description:
  - Takes the credentials of a cluster from the hub that P(openvino.edge.clusters#inventory) found
    it on, and returns a kubeconfig as a dictionary, which the option C(kubeconfig) of every module
    takes.
  - The inventory sets C(edge_kubeconfig) of such hosts to this lookup, so that it runs with each
    task, in the worker of its host. Credentials are never older than the task, and lie in no
    inventory, cache or file of the controller.
  - From Cluster API it is the Secret NAME-kubeconfig. From Open Cluster Management it is made of
    the address and authority of the ManagedCluster and the token of its ManagedServiceAccount.
  - A kubeconfig that names programs or files of the controller is refused.
  - The account of the hub needs the right to get these Secrets.
options:
  _terms:
    description: The variable C(edge_cluster) of hosts.
    type: list
    elements: dict
    required: true
notes:
  - The hub is reached as the inventory file says. What that does not say comes from
    E(EDGE_HUB_KUBECONFIG), E(EDGE_HUB_CONTEXT), E(EDGE_HUB_HOST), E(EDGE_HUB_CA_CERT),
    E(EDGE_HUB_VALIDATE_CERTS), E(EDGE_HUB_PROXY), E(EDGE_HUB_NO_PROXY) and E(EDGE_HUB_API_KEY) in
    the environment of Ansible.
  - Modules of this collection show no secret of a kubeconfig that is given as a dictionary. A task
    of another collection that shows its options shows it.
seealso:
  - plugin: openvino.edge.clusters
    plugin_type: inventory
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Use a module that does not take the variables of the roles
  openvino.edge.device_info:
    kubeconfig: "{{ lookup('openvino.edge.hub_kubeconfig', edge_cluster) }}"
"""

RETURN = r"""
_raw:
  description: One kubeconfig for each cluster.
  type: list
  elements: dict
  sample:
    - apiVersion: v1
      kind: Config
      current-context: cluster
      clusters:
        - name: cluster
          cluster: {server: "https://oslo.example.com:6443"}
      contexts:
        - name: cluster
          context: {cluster: cluster, user: user}
      users:
        - name: user
          user: {token: "..."}
"""

import json
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.inventory import login


class LookupModule(LookupBase):  # type: ignore[misc]
    """The class that Ansible loads."""

    def run(
        self, terms: Sequence[Any], variables: Optional[Mapping[str, Any]] = None, **kwargs: Any
    ) -> List[Dict[str, Any]]:
        """Return the kubeconfigs.

        Raises:
            AnsibleError: the hub does not give one.
        """
        self.set_options(var_options=variables, direct=kwargs)
        try:
            # Tags of ansible-core (2.19 and later) go through JSON.
            return [login.fetch(json.loads(json.dumps(term))) for term in terms]
        except EdgeError as error:
            raise AnsibleError(f"openvino.edge.hub_kubeconfig: {error}") from error
