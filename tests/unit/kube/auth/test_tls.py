# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which contexts are made anew, and which one is shared."""

from __future__ import annotations

import ssl

from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.tls import (
    Settings,
    make_context,
)


def test_the_authorities_of_the_system_are_read_once() -> None:
    shared = make_context(Settings())
    assert shared is make_context(Settings())
    assert shared.verify_mode == ssl.CERT_REQUIRED and shared.check_hostname


def test_a_context_without_verification_is_another_one() -> None:
    careless = make_context(Settings(verify=False))
    assert careless is not make_context(Settings(verify=False))
    assert careless.verify_mode == ssl.CERT_NONE
    assert make_context(Settings()).verify_mode == ssl.CERT_REQUIRED
