# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs source files of this collection into a zip that Python runs as it stands."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from typing import Any, Dict, Sequence


def scripts(source: str, package: str, names: Sequence[str]) -> Dict[str, str]:
    """Return the text of each file by its path in the archive.

    Args:
        source: name of the package here.
        package: name of the package in the archive.
        names: its modules, those of a folder as C(folder.module); the first one has C(main).
    """
    # What Python runs in a zip; the package has relative imports, so it cannot be run as it is.
    start = f"from {package}.{names[0]} import main\n\nmain()\n"
    folders = sorted({"", *(f"{name.rpartition('.')[0]}/" for name in names if "." in name)})
    texts = {f"{package}/{folder}__init__.py": "" for folder in folders}
    for name in names:
        texts[f"{package}/{name.replace('.', '/')}.py"] = _source(f"{source}.{name}")
    return {"__main__.py": start, **texts}


def zipped(texts: Dict[str, str]) -> bytes:
    """Return files as one zip; the same texts give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in texts.items():
            packed.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _source(name: str) -> str:
    """Return a module's text, from a file, a collection loader or a zip."""
    spec = importlib.util.find_spec(name)
    loader: Any = spec.loader if spec else None
    text = loader.get_source(name)
    # Ansible's collection loader gives bytes.
    return text.decode("utf-8") if isinstance(text, bytes) else str(text)
