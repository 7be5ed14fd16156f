# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one kind of error the lab shows to its user."""

from __future__ import annotations


class LabError(Exception):
    """Something a person has to act on; the message says what and how."""
