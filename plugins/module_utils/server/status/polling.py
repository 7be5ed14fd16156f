# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The poll interval above which servers are told to reload."""

from __future__ import annotations

# A server that polls less often than this (seconds) is told to reload.
PATIENT_POLL = 2
