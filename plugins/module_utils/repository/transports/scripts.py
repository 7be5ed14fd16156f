# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the agent, as they are put beside the volume in a helper pod."""

from __future__ import annotations

import io
import zipfile
from typing import Any, Dict

ARCHIVE = "agent.pyz"
MAIN = "agent.py"


def scripts() -> Dict[str, str]:
    """Return the text of each file by its name.

    Loaded late: Ansible compiles what is imported in every worker, and a task that starts no helper
    needs none of it.
    """
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent,
        agent_blocks,
        agent_body,
        agent_commands,
        agent_disk,
        agent_fetch,
        agent_files,
        agent_http,
        agent_lock,
        agent_look,
        agent_pack,
        agent_repair,
        agent_s3,
        agent_stage,
        agent_store,
        agent_tasks,
        agent_trust,
        agent_verify,
    )

    modules = (
        agent,
        agent_blocks,
        agent_body,
        agent_commands,
        agent_disk,
        agent_fetch,
        agent_files,
        agent_http,
        agent_lock,
        agent_look,
        agent_pack,
        agent_repair,
        agent_s3,
        agent_stage,
        agent_store,
        agent_tasks,
        agent_trust,
        agent_verify,
    )
    return {f"{item.__name__.rpartition('.')[2]}.py": _source(item) for item in modules}


def archive() -> bytes:
    """Return the same as one zip, which Python runs as it stands.

    It crosses the link to the cluster with every helper: that is a third of the bytes.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in scripts().items():
            entry = zipfile.ZipInfo("__main__.py" if name == MAIN else name)
            packed.writestr(entry, text, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _source(module: Any) -> str:
    """Return a module's text, from a file, a collection loader or a zip."""
    text = module.__spec__.loader.get_source(module.__name__)
    # Ansible's collection loader gives bytes.
    return text.decode("utf-8") if isinstance(text, bytes) else str(text)
