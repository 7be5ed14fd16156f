# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is trusted: signed files, and how a store is compared."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the module that publishes."""

    DOCUMENTATION = r"""
options:
  signature:
    description:
      - Publish only files that a key has signed. Without it nothing is verified.
      - The signature is checked here, before the cluster is asked for anything. Every chosen file
        must be in the signed set with its sha256, and every file of the set must be there. Sign
        O(src) with the package C(model-signing).
      - >-
        If the set has a file C(edge-release.json) beside the models, such as C({"counter": 7}),
        each store keeps the highest counter it has got from a key, and refuses a set with a lower
        one, or with none.
      - Needs the Python package C(cryptography).
    type: dict
    suboptions:
      bundle:
        description:
          - The signature, a bundle of OpenSSF Model Signing v1.0 (C(model.sig)) made with an
            elliptic curve key. Keep it outside of the version directories.
        type: path
        required: true
      public_key:
        description: The public key, in a PEM file.
        type: path
        required: true
      allow_older:
        description: Also accept a set that is older than what a store has accepted before.
        type: bool
        default: false
  compare:
    description:
      - How it is found out what a store holds.
      - With V(stamps), a helper pod lists the files. Hashes that were taken there when a version
        was published are believed as long as size, modification time and inode of each file are the
        same. This does not find bytes that the disk has lost.
      - Files that a new version shares with a published one are linked in the same belief, unless
        O(signature) or O(repair) is given.
      - With V(hash), every byte of the chosen versions is read on the target, each time, and so is
        every file that a new version shares with another.
      - With V(record), a ConfigMap in O(namespace) tells what the last run saw or published on this
        volume or these nodes. If that is all of what is wanted, nothing is started and the store
        itself is not looked at, so what somebody removed or changed there by other means is not
        noticed. In any doubt, such as another claim, volume or node under the same name, it is
        looked at as with V(stamps).
    type: str
    choices: [record, stamps, hash]
    default: stamps
"""
