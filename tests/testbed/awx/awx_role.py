# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the role awx_setup, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

TABLES = Path(__file__).parents[3] / "roles" / "awx_setup" / "vars" / "main.yml"


class Loader(yaml.SafeLoader):
    """Reads C(!unsafe) as the text that it marks."""


def _text(loader: Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


Loader.add_constructor("!unsafe", _text)


def role_variables() -> dict[str, Any]:
    """Return the tables of the role: types of credentials, questions, templates, rights."""
    found: dict[str, Any] = yaml.load(TABLES.read_text(), Loader=Loader)
    return found
