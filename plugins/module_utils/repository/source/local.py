# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chosen versions of the local repository, for the steps of a task."""

from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, Optional, Sequence

from ...runtime import Runtime
from ..content.layout import LocalVersion, Repository, Selection
from ..content.manifest import Manifest
from ..content.state import Key
from ..progress import Meter
from ..trust.policy import Guard
from .opening import Source

IGNORED_SHOWN = 5


class Local:
    """The chosen versions, their manifests once they are read, and where their files are.

    Args:
        source: where they are; C(None) when there is nothing to send.
        selection: what was chosen.
        guard: lets only signed files pass.

    Attributes:
        unseen: in check mode nobody could look what there is, and no store has any of it.
    """

    unseen = False

    def __init__(
        self,
        source: Optional[Source] = None,
        selection: Sequence[Selection] = (),
        guard: Optional[Guard] = None,
    ) -> None:
        self.source, self.selection, self.guard = source, selection, guard
        self.repository = source.repository if source else Repository("")
        self.versions: Dict[Key, LocalVersion] = {
            (item.model, item.version): item for item in self.repository.versions
        }
        self.manifests: List[Manifest] = []
        self._sources: Dict[Key, Mapping[str, str]] = {}

    def warn_ignored(self, runtime: Runtime) -> None:
        """Warn about the files that are not copied."""
        ignored = self.repository.ignored
        if ignored:
            shown = ", ".join(ignored[:IGNORED_SHOWN])
            more = len(ignored) - IGNORED_SHOWN
            runtime.warn(f"not copied: {shown}" + (f" and {more} more" if more > 0 else ""))
        for doubt in self.repository.doubts:
            runtime.warn(doubt)

    def read(self, runtime: Runtime) -> None:
        """Hash every file that was not hashed before; harmless to do twice.

        Raises:
            InputError: a file cannot be read, changes meanwhile, or is not the signed one.
        """
        if self.source is None or self.manifests:
            return
        total = sum(version.size for version in self.versions.values())
        meter = Meter(runtime.progress, "reading the repository", total)
        found = self.source.manifests(meter.advance)
        if self.guard:
            self.guard.check_files(found, self.selection, self.source.release())
        self.manifests = found

    def make_ready(self, keys: Iterable[Key]) -> None:
        """Make sure that the files of these versions can be read.

        Raises:
            InputError: an archive cannot be unpacked.
        """
        if self.source is not None:
            self.source.make_ready(keys)

    def sources(self, key: Key) -> Mapping[str, str]:
        """Return where the files of a version are, by path; asked for each of its files."""
        if key not in self._sources:
            files = self.versions[key].files
            self._sources[key] = {item.path: item.source for item in files}
        return self._sources[key]
