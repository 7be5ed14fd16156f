#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client_certificate
short_description: Keep the key and the certificate of a client on its own host
version_added: 0.2.0
description:
  - Makes a private key on the host it runs on, and returns a request, which
    M(openvino.edge.client_authority) signs. The key is never returned and never leaves the host.
  - Keeps the certificate that comes of the request beside the key.
  - The role P(openvino.edge.client_certificates#role) does both, and has the request signed.
  - Needs the Python package C(cryptography) on the host.
options:
  path:
    description:
      - Directory of the host, made for its owner alone. It gets C(client.key), which only its owner
        may read, and C(client.pem).
    type: path
    required: true
  common_name:
    description: Name of the client in the request.
    type: str
    required: true
  certificate:
    description: Certificate to keep, in PEM form. One of another key is refused.
    type: str
seealso:
  - module: openvino.edge.client_authority
author:
  - openvino.edge contributors (@openvino-edge)
extends_documentation_fragment:
  - openvino.edge.attributes.host
"""

EXAMPLES = r"""
- name: Make the key, and get a request
  openvino.edge.client_certificate:
    path: /etc/openvino-edge/client
    common_name: reader
  register: client

- name: Have it signed where the authority is
  openvino.edge.client_authority:
    path: /etc/openvino-edge/clients-of-ocr
    certificates:
      - common_name: reader
        request: "{{ client.request }}"
  delegate_to: authority.example.org
  register: authority

- name: Keep the certificate
  openvino.edge.client_certificate:
    path: /etc/openvino-edge/client
    common_name: reader
    certificate: "{{ authority.certificates[0].certificate }}"
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [make /etc/openvino-edge/client/client.key]
request:
  description: Request to sign, in PEM form; empty in check mode as long as there is no key.
  returned: success
  type: str
key_path:
  description: Where the key is.
  returned: success
  type: str
  sample: /etc/openvino-edge/client/client.key
certificate_path:
  description: Where the certificate is.
  returned: success
  type: str
  sample: /etc/openvino-edge/client/client.pem
expires:
  description: When the certificate ends; empty without one.
  returned: success
  type: str
  sample: "2027-03-01T00:00:00+00:00"
days_left:
  description: Whole days until then.
  returned: success
  type: int
  sample: 89
error:
  description: Why it failed, for programs.
  returned: failure
  type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.pki.client import ARGUMENT_SPEC, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, run)


if __name__ == "__main__":
    main()
