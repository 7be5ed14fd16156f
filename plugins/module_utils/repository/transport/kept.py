# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers that stay for the next task of a run (C(helper_idle)), and how that task finds them.

What it takes to talk to one, its token above all, is a file (mode 0600) in the private directory of
the run, which Ansible removes at its end. There is one for each store and node. Who wants the
helper takes the file away first, so it is never two tasks' own, and a task that is killed leaves a
helper that nobody knows and that ends itself like any other.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass, replace
from typing import Any, Mapping, Optional, Tuple

from ...store import PvcStore
from ..content.manifest import canonical_json
from ..options.helper import HelperOptions
from .base import Target
from .helper_job import Program, render_job

PREFIX = "edge-helper-"
SECRETS = ("EDGE_TOKEN_SHA256", "EDGE_PEER_SHA256")


@dataclass(frozen=True)
class Kept:
    """One helper that stays.

    Attributes:
        job: name, namespace and uid of its Job.
        pod: name of its pod.
        address: IP address of the pod.
        node: where that runs.
        token: the secret whose sha256 it knows.
        peer_secret: the one for other helpers of the site.
        form: see C(form_of).
        read_only: whether it can only read.
    """

    job: Mapping[str, str]
    pod: str
    address: str
    node: str
    token: str
    peer_secret: str
    form: str
    read_only: bool

    def serves(self, form: str, read_only: bool) -> bool:
        """Return whether a task that would make such a helper can use this one."""
        return self.form == form and (read_only or not self.read_only)


class Shelf:
    """Where the tasks of a run leave helpers for one another.

    Args:
        folder: the private directory of the run; C("") when there is none, and nothing is kept.
        server: URL of the API server.
    """

    def __init__(self, folder: str, server: str) -> None:
        self._folder, self._server = folder, server

    def take(self, target: Target) -> Optional[Kept]:
        """Return the helper of a target, which is then this task's own; C(None) if none stays."""
        if not self._folder:
            return None
        path, mine = self._path(target), self._path(target, f"-{uuid.uuid4().hex}")
        try:
            os.rename(path, mine)
            with open(mine, "rb") as stream:
                fields = json.load(stream)
            os.unlink(mine)
            return Kept(**fields)
        except (OSError, ValueError, TypeError):
            return None

    def put(self, target: Target, kept: Kept) -> bool:
        """Leave a helper; returns whether that worked and no other one of the target is there."""
        if not self._folder:
            return False
        path, draft = self._path(target), self._path(target, f"-{uuid.uuid4().hex}")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    json.dump(asdict(kept), stream)
                os.link(draft, path)
            finally:
                os.unlink(draft)
        except OSError:
            return False
        return True

    def _path(self, target: Target, suffix: str = "") -> str:
        """Return the file of a target: a claim or a directory has one helper, whatever its form."""
        store = target.store
        what: Tuple[Any, ...] = (self._server, store.namespace, target.node)
        what += (store.claim_name,) if isinstance(store, PvcStore) else ("", store.path)
        name = hashlib.sha256(canonical_json(what)).hexdigest()[:32]
        return os.path.join(self._folder, f"{PREFIX}{name}{suffix}")


def form_of(target: Target, options: HelperOptions, program: Program) -> str:
    """Return what two helpers have in common that can stand for each other.

    That is all of the Job but its name, its secrets, whether it only reads, and where it is
    scheduled to, since it is there.
    """
    env = {name: value for name, value in program.env.items() if name not in SECRETS}
    env.pop("EDGE_READ_ONLY", None)
    plain = Program(program.image, program.command, env, program.files)
    alike = replace(options, read_only=False, idle=0)
    here = Target(target.store, target.node, ids=target.ids)
    job = render_job("", here, alike, plain)
    return hashlib.sha256(canonical_json([job, alike.allow_from])).hexdigest()
