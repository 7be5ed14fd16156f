# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shipped to the helper pod is all that it needs there: one package and what starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import main
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.archive import (
    PACKAGE,
    scripts,
)


def test_every_file_of_the_agent_is_shipped_and_imports_there(tmp_path: Path) -> None:
    shipped = scripts()
    here = Path(main.__file__).parent
    package = {f"{PACKAGE}/{path.relative_to(here)}" for path in here.rglob("*.py")}
    assert set(shipped) == {"__main__.py", *package}
    for name, text in shipped.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    names = ",".join(sorted(name[:-3].replace("/", ".") for name in package))
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {names}"
    flags = ["-B", "-S", "-s", "-E"]
    done = subprocess.run(
        [sys.executable, *flags, "-c", code], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr


def test_they_fit_into_one_config_map() -> None:
    assert sum(len(text.encode()) for text in scripts().values()) < 900_000
