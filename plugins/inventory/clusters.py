# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin openvino.edge.clusters."""

from __future__ import annotations

DOCUMENTATION = r"""
name: clusters
short_description: Clusters from kubeconfigs, Open Cluster Management and Cluster API
version_added: 0.1.0
description:
  - Makes one host of each cluster, with the variables by which the roles and playbooks of this
    collection reach it (C(edge_kubeconfig), C(edge_context)) and what is known of it in
    C(edge_cluster).
  - Takes folders of kubeconfigs, contexts of one kubeconfig, and the clusters that a hub of Open
    Cluster Management or a management cluster of Cluster API knows. One file may name several of
    these sources.
  - Hosts hold no credentials, so neither the output of C(ansible-inventory) nor a cache does. What
    a hub keeps is fetched by each task, with P(openvino.edge.hub_kubeconfig#lookup).
  - The name of the inventory file has to end in C(clusters.yml), C(clusters.yaml), C(edge.yml) or
    C(edge.yaml).
notes:
  - Every host is in the group C(edge_clusters) and has C(ansible_connection=local).
  - Ansible goes on with an empty inventory when a source has an error, unless
    C(ANSIBLE_INVENTORY_UNPARSED_FAILED) or C(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) is set.
options:
  plugin:
    description: Name of this plugin.
    type: str
    required: true
    choices: [openvino.edge.clusters]
  kubeconfigs:
    description:
      - Kubeconfig files, one cluster each. A pattern (C(**) goes through folders) or a folder, of
        which files that end in C(.yaml), C(.yml), C(.json), C(.conf), C(.config) or
        C(.kubeconfig), or have no ending, are taken. Hosts have the names of the files, without
        these endings.
      - Relative paths begin at the folder of the inventory file.
    type: list
    elements: str
  every_context:
    description: Whether each context in the files of O(kubeconfigs) is a cluster, with its name.
    type: bool
    default: false
  kubeconfig:
    description: The kubeconfig that O(contexts) are taken from; else the one of kubectl.
    type: path
  contexts:
    description:
      - Names and patterns (C(*), C(?), C([a-z])) of contexts of one kubeconfig; each context that
        matches is a cluster, with its name.
    type: list
    elements: str
  open_cluster_management:
    description:
      - The ManagedClusters of a hub. V(true), or a dictionary of C(hub), C(label_selector) and
        C(service_account).
      - A cluster that the hub has not accepted is left out, and so is one that is being deleted. A
        warning names them.
      - C(edge_kubeconfig) has the first of C(managedClusterClientConfigs), address and authority,
        without credentials; set C(api_key) in C(edge_auth).
      - With C(service_account), the name of a ManagedServiceAccount of each cluster, tasks take its
        token from the hub.
    type: raw
  cluster_api:
    description:
      - The Clusters of a management cluster. V(true), or a dictionary of C(hub), C(label_selector),
        C(namespace) and C(qualified_names) (hosts are named NAMESPACE.NAME).
      - Tasks take the kubeconfig from the Secret NAME-kubeconfig of the hub.
      - C(hub), here and in O(open_cluster_management), may have C(kubeconfig), C(context), C(host),
        C(ca_cert), C(validate_certs), C(proxy) and C(no_proxy). What it does not have comes from
        E(EDGE_HUB_KUBECONFIG), E(EDGE_HUB_CONTEXT) and so on. Without any, the hub is the cluster
        of kubectl. A token for it can be in E(EDGE_HUB_API_KEY), and in no file.
    type: raw
  group_by_labels:
    description:
      - Labels of the clusters of a hub by which hosts are grouped, as C(LABEL_VALUE); characters
        that a group may not have become C(_). A dictionary has the label and what to write for it.
      - Two values that would be one group are an error.
    type: raw
    default: []
  rename:
    description:
      - Rules that make names of hosts, applied in their order to every name.
      - Without a rule, a name that cannot be the name of a host is an error, as C(user@cluster) is,
        or C(arn:aws:eks:...).
    type: list
    elements: dict
    suboptions:
      pattern:
        description: Regular expression.
        type: str
        required: true
      replace:
        description: What to write for each match; C(\1) is the first group of the expression.
        type: str
        required: true
    default: []
  on_broken:
    description:
      - What to do with a cluster that no task can reach, as its kubeconfig cannot be read or the
        hub knows no address.
      - V(keep) keeps it as a host of the group C(edge_broken), with a warning. Its tasks fail, and
        say why; those of the other clusters go on.
      - V(fail) is an error of the inventory, which names each of them.
    type: str
    choices: [keep, fail]
    default: keep
extends_documentation_fragment:
  - constructed
  - inventory_cache
seealso:
  - plugin: openvino.edge.hub_kubeconfig
    plugin_type: lookup
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
# clusters.yml: each file below sites/ is a cluster; sites/north/oslo.yaml is the host "oslo" in the
# group "north".
plugin: openvino.edge.clusters
kubeconfigs: [sites/**/*.yaml]
keyed_groups:
  - key: edge_cluster.folder
    separator: ""

# Each example is a file. Documentation may hold one YAML document, so the others are comments.

# prod.clusters.yml: contexts as eksctl and the AWS CLI name them.
# plugin: openvino.edge.clusters
# kubeconfig: ~/.kube/config
# contexts: ["*.eksctl.io", "arn:aws:eks:*"]
# rename:
#   - {pattern: '^.*@|\..*\.eksctl\.io$', replace: ""}
#   - {pattern: '^arn:aws:eks:([^:]*):\d*:cluster/', replace: '\1.'}

# hub.clusters.yml: clusters of Open Cluster Management, with the token of a ManagedServiceAccount.
# plugin: openvino.edge.clusters
# open_cluster_management:
#   hub:
#     kubeconfig: ~/.kube/hub.yaml
#   label_selector: edge=true
#   service_account: openvino-edge
# group_by_labels: [region, wave]
# groups:
#   offline: edge_cluster.available is not true
# cache: true
# cache_plugin: ansible.builtin.jsonfile
# cache_connection: ~/.cache/clusters

# capi.clusters.yml: clusters of Cluster API in one namespace of the management cluster.
# plugin: openvino.edge.clusters
# cluster_api:
#   namespace: fleet
# group_by_labels:
#   topology.kubernetes.io/region: region
"""

import hashlib
import json
import os
from typing import Any, Dict, List, Mapping

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.inventory import (
    entry,
    grouping,
    options,
)
from ansible_collections.openvino.edge.plugins.module_utils.inventory.records import Record

try:
    from ansible.template import trust_as_template

    KNOWS_TRUST = True
except ImportError:  # ansible-core before 2.19
    KNOWS_TRUST = False

ENDINGS = ("clusters.yml", "clusters.yaml", "edge.yml", "edge.yaml")
GROUP = "edge_clusters"
BROKEN = "edge_broken"
# Fixed text: nothing from a hub or a file becomes part of a template.
LOGIN = "{{ lookup('openvino.edge.hub_kubeconfig', edge_cluster) }}"
PYTHON = "{{ ansible_playbook_python }}"
MARKS = ("{{", "{%", "{#", "#jinja2")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]
    """The class that Ansible loads."""

    NAME = "openvino.edge.clusters"

    def verify_file(self, path: str) -> bool:
        """Return whether the file's name is one of this plugin."""
        return bool(super().verify_file(path)) and path.endswith(ENDINGS)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the clusters that a file names to the inventory.

        Raises:
            AnsibleParserError: an option is wrong, or a source cannot be read.
        """
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        try:
            self._refuse_unknown(config)
            wanted = self._wanted()
            sources = options.parse(wanted, os.path.dirname(os.path.abspath(path)))
            found = self._found(sources, path, wanted, cache)
            for warning in found.warnings:
                self.display.warning(f"{path}: {warning}")
            groups = grouping.by_labels(
                found.records, sources.group_by_labels, self._sanitize_group_name
            )
        except EdgeError as error:
            raise AnsibleParserError(f"{path}: {error}") from error
        for record in found.records:
            self._add(record)
        for group, hosts in groups.items():
            self._join(group, hosts)
        for record in found.records:
            self._construct(record.name)

    def _refuse_unknown(self, config: Mapping[str, Any]) -> None:
        """Refuse options that there are not: Ansible would pass over a mistyped source."""
        others = sorted(str(name) for name in set(config) - set(self._options))
        if others:
            raise InputError(
                f"does not know {', '.join(others)}",
                option="openvino.edge.clusters",
                hint="See ansible-doc -t inventory openvino.edge.clusters",
            )

    def _wanted(self) -> Dict[str, Any]:
        """Return the plugin's own options as plain data, without the tags of ansible-core."""
        names = (
            *options.SOURCES,
            "every_context",
            "kubeconfig",
            "rename",
            "on_broken",
            "group_by_labels",
        )
        plain: Dict[str, Any] = json.loads(
            json.dumps({name: self.get_option(name) for name in names})
        )
        plain["own_kubeconfig"] = "edge_kubeconfig" in (self.get_option("compose") or {})
        return plain

    def _found(
        self, sources: options.Sources, path: str, wanted: Mapping[str, Any], cache: bool
    ) -> entry.Found:
        """Return the clusters, from the cache where one is in use and has them.

        The key has the options in it: a file that was changed is never answered from what it was.
        """
        if not self.get_option("cache"):
            return entry.gather(sources)
        text = json.dumps(wanted, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        key = f"{self.get_cache_key(os.path.abspath(path))}_{digest}"
        if cache:
            try:
                return entry.restored(self._cache[key])
            except KeyError:
                pass  # not there, too old, or of another release
        found = entry.gather(sources)
        self._cache[key] = found.as_json()
        return found

    def _add(self, record: Record) -> None:
        connection = dict(record.connection)
        variables: Dict[str, Any] = {
            "edge_cluster": record.facts,
            "ansible_connection": "local",
            **connection,
        }
        self.inventory.add_host(record.name)
        for name, value in variables.items():
            self.inventory.set_variable(record.name, name, _as_data(value))
        self.inventory.set_variable(record.name, "ansible_python_interpreter", _template(PYTHON))
        if record.from_hub:
            self.inventory.set_variable(record.name, "edge_kubeconfig", _template(LOGIN))
        self._join(GROUP, [record.name])
        if record.broken:
            self._join(BROKEN, [record.name])

    def _join(self, group: str, hosts: List[str]) -> None:
        name = self.inventory.add_group(group)
        for host in hosts:
            self.inventory.add_child(name, host)

    def _construct(self, host: str) -> None:
        """Do what the options of ansible.builtin.constructed ask for."""
        strict = self.get_option("strict")
        variables = self.inventory.get_host(host).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        variables = self.inventory.get_host(host).get_vars()
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(
            self.get_option("keyed_groups"), variables, host, strict=strict
        )


def _template(text: str) -> Any:
    """Return a template of ours as one that Ansible renders."""
    return trust_as_template(text) if KNOWS_TRUST else text


def _as_data(value: Any) -> Any:
    """Return a value of a hub or a file so that nothing in it is ever rendered.

    A text without the marks of a template can be taken as one: C(ansible-inventory) then writes it
    as it stands. One that has them is left (before ansible-core 2.19: made) unsafe.
    """
    if isinstance(value, dict):
        return {key: _as_data(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_data(item) for item in value]
    if not isinstance(value, str):
        return value
    if any(mark in value for mark in MARKS):
        return value if KNOWS_TRUST else wrap_var(value)
    return _template(value)
