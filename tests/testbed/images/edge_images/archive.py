# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory tree as a layer: a tar that is the same for the same tree."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

#: A file of this prefix in an upper layer hides the lower layer's (OCI image specification).
WHITEOUT = ".wh."


def _walk(root: Path, top: Path) -> Iterator[Path]:
    """`top`'s parents below `root`, `top` itself and all below it, parents first."""
    parents = [parent for parent in top.parents if root in parent.parents]
    yield from reversed(parents)
    if top != root:
        yield top
    if top.is_dir() and not top.is_symlink():
        for child in sorted(top.iterdir()):
            yield from _below(child)


def _below(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for child in sorted(path.iterdir()):
            yield from _below(child)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without times; device nodes and sockets are left to the container runtime."""
    if info.ischr() or info.isblk() or info.isfifo():
        return None
    info.mtime = 0
    info.uname = info.gname = ""
    return info


def write_tree(
    target: Path, root: Path, tops: Sequence[str] = ("",), hidden: Sequence[str] = ()
) -> None:
    """Write the trees `tops` of `root` to the tar `target`, and hide lower layers' `hidden`.

    `target` appears only when it is complete. Raises OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    added: set[Path] = set()
    with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
        for top in tops:
            for path in _walk(root, root / top if top else root):
                if path not in added:
                    added.add(path)
                    name = str(path.relative_to(root))
                    archive.add(path, name, recursive=False, filter=_plain)
        for path_text in hidden:
            lower = Path(path_text)
            archive.addfile(tarfile.TarInfo(str(lower.parent / (WHITEOUT + lower.name))))
    partial.replace(target)
