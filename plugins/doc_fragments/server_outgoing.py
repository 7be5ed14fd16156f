# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for proxies and trusted authorities of the pods."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of C(server/outgoing_options.py)."""

    DOCUMENTATION = r"""
options:
  proxies:
    description:
      - Proxies for the server itself, set in lower and upper case. O(proxy) and O(no_proxy) are for
        the way to the API server.
      - The server's S3 client ignores the list of exceptions, so a server whose models come from
        a store inside the cluster must not have proxies.
      - A URL with a password goes into a Secret C(NAME-proxy), not into the Deployment.
    type: dict
    suboptions:
      http_proxy:
        description:
          - Proxy for HTTP, C(http://[USER:PASSWORD@]HOST:PORT).
          - It must have a port and must not have a path. The server crashes without a port.
        type: str
      https_proxy:
        description: Proxy for HTTPS, written like O(proxies.http_proxy).
        type: str
      no_proxy:
        description: Hosts, domains and networks that are reached without a proxy.
        type: list
        elements: str
        default: []
      complete_no_proxy:
        description:
          - Where there is a proxy, adds to O(proxies.no_proxy) what belongs to the cluster, that is
            the pod itself, names of Services, the ranges of Services and of pods, the address of
            the API server and the metadata address of clouds.
          - What the account may not read is left out. The result says what was added.
        type: bool
        default: true
      from_cluster:
        description:
          - Takes what is not given here from the status of the C(Proxy) object of OpenShift.
          - An error where there is no such object and no other proxy is given.
        type: bool
        default: false
  ca_bundle:
    description:
      - Certificates of authorities that the server trusts when it fetches models, in the place of
        those of its image. Give all that are needed.
      - Pods are replaced when O(ca_bundle.pem) changes, not when a ConfigMap of others does.
      - Set one of O(ca_bundle.pem), O(ca_bundle.config_map) and O(ca_bundle.from_cluster).
    type: dict
    suboptions:
      pem:
        description: The certificates as text in PEM form.
        type: str
      config_map:
        description: Name of an existing ConfigMap in the namespace.
        type: str
      key:
        description: Key of O(ca_bundle.config_map).
        type: str
        default: ca-bundle.crt
      from_cluster:
        description:
          - Makes a ConfigMap into which OpenShift writes the authorities that the cluster trusts.
        type: bool
        default: false
"""
