# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m ovms_standin --rest_port ...`: the same arguments as `ovms`."""

from __future__ import annotations

from ovms_standin.server import run

if __name__ == "__main__":
    run()
