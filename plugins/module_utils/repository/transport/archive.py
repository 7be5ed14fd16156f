# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs the agent's source files into the zip that runs in a helper pod."""

from __future__ import annotations

import io
import zipfile
from typing import Any, Dict

ARCHIVE = "agent.pyz"
PACKAGE = "edge_agent"
# What Python runs in a zip; the package itself has relative imports, so it cannot be run as it is.
_START = f"from {PACKAGE}.main import main\n\nmain()\n"


def scripts() -> Dict[str, str]:
    """Return the text of each file by its path in the archive.

    Loaded late: Ansible compiles what is imported in every worker, and a task that starts no helper
    needs none of it.
    """
    from ..agent import (
        blocks,
        body,
        callers,
        commands,
        disk,
        fetch,
        files,
        lock,
        look,
        main,
        pack,
        repair,
        s3,
        stage,
        store,
        tasks,
        trust,
        upkeep,
        verify,
    )
    from ..agent import http as agent_http

    modules = (
        main,
        blocks,
        body,
        callers,
        commands,
        disk,
        fetch,
        files,
        agent_http,
        lock,
        look,
        pack,
        repair,
        s3,
        stage,
        store,
        tasks,
        trust,
        upkeep,
        verify,
    )
    files_of = {f"{item.__name__.rpartition('.')[2]}.py": _source(item) for item in modules}
    package = {f"{PACKAGE}/{name}": text for name, text in files_of.items()}
    return {"__main__.py": _START, f"{PACKAGE}/__init__.py": "", **package}


def archive() -> bytes:
    """Return the files as one zip, which Python runs as it stands.

    The zip is sent to the cluster with every helper; it has a third of the size of the sources.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in scripts().items():
            packed.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _source(module: Any) -> str:
    """Return a module's text, from a file, a collection loader or a zip."""
    text = module.__spec__.loader.get_source(module.__name__)
    # Ansible's collection loader gives bytes.
    return text.decode("utf-8") if isinstance(text, bytes) else str(text)
