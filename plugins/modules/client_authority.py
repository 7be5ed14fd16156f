#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client_authority
short_description: Sign, renew and revoke certificates of a model server's clients
version_added: 0.2.0
description:
  - Keeps a certificate authority in a directory of the host it runs on, one for each server or
    tenant. It signs requests of clients, renews certificates before they end, revokes them, keeps a
    revocation list, and tells what ends when.
  - O(openvino.edge.model_server#module:expose.client_auth) takes RV(ca) and RV(crl).
  - The authority's key never leaves the directory. Those of clients are never here, only their
    requests, which M(openvino.edge.client_certificate) makes.
  - Runs on one host keep each other out, so many clients can be handled side by side.
  - In check mode nothing is signed. Without an authority yet, RV(ca) and RV(crl) are those of a key
    that is thrown away.
  - Needs the Python package C(cryptography) on the host.
options:
  path:
    description: Directory of the authority, made for its owner alone. Keep a copy of it.
    type: path
    required: true
  name:
    description: Common name of a new authority. A present one keeps its own.
    type: str
    default: Clients of openvino.edge
  passphrase:
    description: Passphrase of the authority's key, with which a new one is encrypted.
    type: str
  days:
    description: How long the authority's own certificate is valid; it is renewed with the same key.
    type: int
    default: 3650
  crl_days:
    description:
      - How long a revocation list is valid. It is renewed when half of that is over, so run this
        more often than that; with a list that is over, controllers refuse every client.
    type: int
    default: 90
  renew_before_days:
    description: Certificates that end within these days are renewed.
    type: int
    default: 30
  certificates:
    description: Clients that are to have a certificate.
    type: list
    elements: dict
    default: []
    suboptions:
      common_name:
        description: Name of the client. Names in the request are not looked at.
        type: str
        required: true
      dns_names:
        description: Alternative names of the kind DNS.
        type: list
        elements: str
        default: []
      uris:
        description: Alternative names of the kind URI.
        type: list
        elements: str
        default: []
      request:
        description: Request in PEM form, signed with the client's key.
        type: str
        required: true
      days:
        description: How long a certificate is valid, at most as long as that of the authority.
        type: int
        default: 90
  revoke:
    description:
      - Clients whose certificates are all revoked, by common name, or single certificates by serial
        number (hexadecimal). What is revoked stays so when it is taken out here.
    type: list
    elements: str
    default: []
seealso:
  - module: openvino.edge.client_certificate
  - module: openvino.edge.model_server
author:
  - openvino.edge contributors (@openvino-edge)
extends_documentation_fragment:
  - openvino.edge.attributes.host
"""

EXAMPLES = r"""
- name: Sign the request of a client, and let another one in no more
  openvino.edge.client_authority:
    path: /etc/openvino-edge/clients-of-ocr
    name: Clients of ocr
    certificates:
      - common_name: reader
        request: "{{ client.request }}"
    revoke: [writer]
  register: authority

- name: Tell what ends within a month
  ansible.builtin.debug:
    msg: "{{ authority.report | selectattr('days_left', 'lt', 30) }}"
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [issue a certificate to reader]
ca:
  description: Certificate of the authority, in PEM form.
  returned: success
  type: str
crl:
  description: Revocation list, in PEM form.
  returned: success
  type: str
certificates:
  description: A certificate for each of O(certificates), in their order.
  returned: success
  type: list
  elements: dict
  contains:
    common_name:
      description: Name of the client.
      type: str
    certificate:
      description: In PEM form; empty in check mode for a new one.
      type: str
    serial:
      description: Serial number, hexadecimal; empty in check mode for a new one.
      type: str
report:
  description: All that was issued and the authority itself, the first to end first.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: client
      common_name: reader
      serial: 1f3a
      expires: "2027-03-01T00:00:00+00:00"
      days_left: 89
      state: valid
error:
  description: Why it failed, for programs.
  returned: failure
  type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.pki.authority import ARGUMENT_SPEC, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, run)


if __name__ == "__main__":
    main()
