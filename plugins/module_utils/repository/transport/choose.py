# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the chosen transport; with C(auto), the agent, or exec when the agent cannot run."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from typing import Callable, Mapping, Optional, Sequence, Set

from ...errors import EdgeError, ForbiddenError, UnreachableError, UnsupportedError
from ...kube.client import KubeClient
from ...store import PvcStore
from ..content.manifest import Manifest
from ..content.state import Facts, Inventory
from ..delta.pack import FileJob, exact_length
from ..options.helper import HelperOptions
from . import exec as exec_transport
from . import exec_script
from .archive import ARCHIVE, archive
from .base import Channel, Flow, HelperGone, Place, Staged, Target
from .helper_job import IDLE_SECONDS, RUN_MOUNT, SCRIPT_MOUNT, Program, store_root
from .helper_pod import Helper, HelperFailed, StoreMissing
from .http import PORT, AgentChannel
from .kept import Kept, Shelf, form_of

AUTO, AGENT, EXEC = "auto", "agent", "exec"
CHOICES = (AUTO, AGENT, EXEC)

# Failures that the image of the exec transport may avoid; all others would fail it as well.
IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "CreateContainerError",
        "RunContainerError",
        "StartError",
        "Crash",
    }
)

# The program comes from a ConfigMap, which other users may be able to replace, so the Job holds its
# sha256. The program is copied, the copy is checked, and the copy is run.
START_AGENT = f"""\
import hashlib, runpy, sys
data = open("{SCRIPT_MOUNT}/{ARCHIVE}", "rb").read()
if hashlib.sha256(data).hexdigest() != sys.argv[1]:
    sys.exit("the program in the ConfigMap is not the one that was sent")
open("{RUN_MOUNT}/{ARCHIVE}", "wb").write(data)
runpy.run_path("{RUN_MOUNT}/{ARCHIVE}", run_name="__main__")
"""
START_SCRIPT = f"""\
cp -- {SCRIPT_MOUNT}/{exec_script.NAME} "$0.new" || exit 1
printf '%s  %s' "$1" "$0.new" | sha256sum --status -c - ||
  {{ echo "the program in the ConfigMap is not the one that was sent" >&2; exit 1; }}
mv -T -- "$0.new" "$0"
exec /bin/bash "$0" wait
"""

NO_PROGRAM = Program("", (), {}, {})  # of a helper that runs already

Say = Callable[[str], None]


class EmptyChannel(Channel):
    """A channel to a store that does not exist yet: it reads as empty and refuses writes.

    Args:
        target: that will have the store.
        by: the transport that will be used.
    """

    transport = "none"

    def __init__(self, target: Target, by: str = AGENT) -> None:
        super().__init__(target)
        self.deltas = self.peers = by != EXEC

    def facts(self) -> Facts:
        """Return free space and rights."""
        return Facts(1 << 62, 1 << 62, 0, 0, 4096, True, 0, "0755")

    def inventory(self) -> Inventory:
        """Return what is published."""
        return Inventory()

    def hashes(self, model: str, version: int, size: int) -> Mapping[str, str]:
        """Read a version on the target."""
        return {}

    def lock(self, owner: str, note: str, wanted: Sequence[str] = ()) -> None:
        """Become the one writer."""
        raise self._missing()

    def staged(self, manifest: Manifest) -> Staged:
        """Return what is there of a version."""
        return {}

    def stage(self, manifest: Manifest, reuse: Mapping[int, Sequence[Place]]) -> Staged:
        """Begin a version."""
        raise self._missing()

    def body_bytes(self, jobs: Sequence[FileJob], compress: bool) -> int:
        """Return the bytes that will be sent."""
        if self.deltas:
            return exact_length(jobs, compress=compress)
        return sum(job.entry.size - job.start for job in jobs)

    def send(self, manifest: Manifest, jobs: Sequence[FileJob], flow: Flow) -> Mapping[int, str]:
        """Send files."""
        raise self._missing()

    def publish(self, manifest: Manifest) -> None:
        """Make a version visible."""
        raise self._missing()

    def seal(self, manifest: Manifest, size: int) -> None:
        """Record a version that is right."""
        raise self._missing()

    def remove(self, model: str, version: int) -> bool:
        """Take a version away."""
        return False

    def set_aside(self, model: str, version: int) -> None:
        """Nothing is there to be seen."""

    def close(self) -> None:
        """Nothing was opened."""

    def _missing(self) -> UnsupportedError:
        return UnsupportedError("the store does not exist", subject=self.target.name)


class Opener:
    """Opens channels for one task.

    Args:
        client: of the cluster.
        transport: C(auto), C(agent) or C(exec).
        options: how helper pods are made.
        warn: called when C(auto) falls back to exec, and when an object could not be removed.
        stopped: tells when the task is to end early.
        folder: private directory of the run, where helpers are left for later tasks.
    """

    def __init__(
        self,
        client: KubeClient,
        transport: str,
        options: HelperOptions,
        warn: Say,
        stopped: Callable[[], bool] = lambda: False,
        folder: str = "",
    ) -> None:
        self._client, self._transport, self._options = client, transport, options
        self._shelf = Shelf(folder, str(getattr(client, "server", "")))
        self._warn, self._stopped = warn, stopped
        # The helpers of one task authenticate each other with this secret; it is never reused.
        self._peer_secret = secrets.token_urlsafe(32)
        self._told: Set[str] = set()

    def open(self, target: Target) -> Channel:
        """Return an open channel to a target.

        Raises:
            EdgeError: no transport works; names why the first one did not.
        """
        if target.unbound and self._options.read_only:
            return EmptyChannel(target, self._transport)
        try:
            if self._transport == EXEC:
                return self._exec(target)
            try:
                return self._agent(target)
            except EdgeError as error:
                if self._transport == AGENT or not exec_may_help(error):
                    raise
                self._warn(f"{target.name}: using the exec transport, as the agent cannot: {error}")
                return self._exec(target)
        except StoreMissing:
            return EmptyChannel(target, self._transport)

    def _agent(self, target: Target) -> Channel:
        token, options = secrets.token_urlsafe(32), self._options
        program = self._agent_program(target, token)
        form = form_of(target, options, program)
        self._tell_of_tag(target, "agent_image", options.agent_image)
        channel = self._resumed(target, form)
        if channel is not None:
            return channel
        helper = Helper(self._client, target, options, program, self._stopped)
        helper.start()
        return self._answering(helper, helper.kept(token, self._peer_secret, form), target)

    def _agent_program(self, target: Target, token: str) -> Program:
        options, packed = self._options, archive()
        env = {
            "EDGE_ROOT": store_root(target),
            "EDGE_PORT": str(PORT),
            "EDGE_TOKEN_SHA256": _sha256(token),
            "EDGE_PEER_SHA256": _sha256(self._peer_secret),
            "EDGE_IDLE": str(IDLE_SECONDS),
            "EDGE_UID": str(options.owner[0]),
            "EDGE_GID": str(options.owner[1]),
            "EDGE_READ_ONLY": "1" if options.read_only else "0",
        }
        command = ("python3", "-B", "-S", "-s", "-E", "-c", START_AGENT, sha256_of(packed))
        return Program(options.agent_image, command, env, {}, {ARCHIVE: packed})

    def _resumed(self, target: Target, form: str) -> Optional[Channel]:
        """Return a channel to the helper that an earlier task has left; C(None) for a new one.

        One that this task cannot use goes: two of them may not find place beside a claim.
        """
        kept = self._shelf.take(target)
        if kept is None:
            return None
        helper = Helper(self._client, target, self._options, NO_PROGRAM, self._stopped)
        helper.resume(kept)
        if not kept.serves(form, self._options.read_only) or helper.obituary():
            self._shut(helper)
            return None
        try:
            return self._answering(helper, kept, target)
        except EdgeError:
            return None  # it ended at this moment, and was removed

    def _answering(self, helper: Helper, kept: Kept, target: Target) -> Channel:
        """Return a channel to a running agent once it answers; the helper goes if it does not."""
        idle = 0 if target.lone or self._options.secret is not None else self._options.idle
        channel = AgentChannel(
            self._client,
            target,
            helper.pod,
            kept.token,
            lambda: self._shut(helper),
            self._stopped,
            helper.obituary,
            address=helper.address,
            peer_secret=kept.peer_secret,
            leave=(lambda: self._shelf.put(target, kept)) if idle else None,
            idle=idle,
            patience=self._options.wait_timeout,
        )
        channel.node = helper.node
        try:
            channel.wait_until_it_answers()
        except BaseException:
            self._shut(helper)
            raise
        return channel

    def _exec(self, target: Target) -> Channel:
        options = self._options
        env = {
            "EDGE_ROOT": store_root(target),
            "EDGE_RUN": RUN_MOUNT,
            "EDGE_IDLE": str(IDLE_SECONDS),
            "EDGE_UID": str(options.owner[0]),
            "EDGE_GID": str(options.owner[1]),
            "EDGE_READ_ONLY": "1" if options.read_only else "0",
        }
        script = exec_script.SCRIPT
        command = (
            "/bin/bash",
            "-c",
            START_SCRIPT,
            exec_transport.SCRIPT,
            sha256_of(script.encode()),
        )
        program = Program(options.exec_image, command, env, {exec_script.NAME: script})
        self._tell_of_tag(target, "exec_image", options.exec_image)
        helper = Helper(self._client, target, options, program, self._stopped)
        helper.start()
        channel = exec_transport.ExecChannel(
            self._client,
            target,
            helper.pod,
            store_root(target),
            lambda: self._shut(helper),
            self._stopped,
            helper.obituary,
        )
        channel.node = helper.node
        return channel

    def _tell_of_tag(self, target: Target, option: str, image: str) -> None:
        """Warn, once for a task, about an image that runs as root and is not pinned by digest."""
        pinned = "@sha256:" in image or self._options.image_pull_policy == "Never"
        if pinned or isinstance(target.store, PvcStore) or option in self._told:
            return
        self._told.add(option)
        self._warn(
            f"{option}: {image} is a tag, which can mean another image tomorrow, and a helper for"
            f" host_path runs as root; name its digest (IMAGE@sha256:...)"
        )

    def _shut(self, helper: Helper) -> None:
        error = helper.shut()
        if error:
            self._warn(f"the helper could not be removed, it ends itself in a minute: {error}")


def sha256_of(data: bytes) -> str:
    """Return the digest that a helper compares its program with before it runs it."""
    return hashlib.sha256(data).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def exec_may_help(error: EdgeError) -> bool:
    """Return whether the exec transport can work where the agent failed with this."""
    if isinstance(error, HelperFailed):
        return error.reason in IMAGE_REASONS
    if isinstance(error, HelperGone):
        return True
    if isinstance(error, ForbiddenError):
        return "proxy" in error.message
    return isinstance(error, (UnreachableError, UnsupportedError)) and _is_pod_way(error)


def _is_pod_way(error: EdgeError) -> bool:
    """Return whether the API server answers but cannot reach the pod."""
    return "pod" in error.message or "X-Edge-Token" in error.message


def reader(options: HelperOptions) -> HelperOptions:
    """Return the same options for a helper that only looks."""
    return replace(options, read_only=True)
