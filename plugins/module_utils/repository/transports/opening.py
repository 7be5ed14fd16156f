# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which transport: opens the chosen one, or the best that works."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from typing import Callable, Mapping, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    ForbiddenError,
    UnreachableError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.pack import (
    FileJob,
    exact_length,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import Manifest
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    Facts,
    Inventory,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports import (
    exec as exec_transport,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports import (
    exec_script,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.agent import (
    PORT,
    AgentChannel,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.base import (
    Channel,
    Flow,
    HelperGone,
    Place,
    Staged,
    Target,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.helper import (
    Helper,
    HelperFailed,
    StoreMissing,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.job import (
    IDLE_SECONDS,
    RUN_MOUNT,
    SCRIPT_MOUNT,
    HelperOptions,
    Program,
    store_root,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.scripts import (
    ARCHIVE,
    archive,
)

AUTO, AGENT, EXEC = "auto", "agent", "exec"
CHOICES = (AUTO, AGENT, EXEC)

# What another image can help against; everything else would fail the exec transport as well.
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

Say = Callable[[str], None]


class EmptyChannel(Channel):
    """Stands for a store that does not exist yet and may only be read.

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
        warn: told why C(auto) took the slower way, and what could not be cleaned up.
        stopped: tells when the task is to end early.
    """

    def __init__(
        self,
        client: KubeClient,
        transport: str,
        options: HelperOptions,
        warn: Say,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._client, self._transport, self._options = client, transport, options
        self._warn, self._stopped = warn, stopped
        # The helpers of one task know each other by this; it ends with them.
        self._peer_secret = secrets.token_urlsafe(32)

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
        token = secrets.token_urlsafe(32)
        options = self._options
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
        command = ("python3", "-B", "-S", "-s", "-E", f"{SCRIPT_MOUNT}/{ARCHIVE}")
        program = Program(options.agent_image, command, env, {}, {ARCHIVE: archive()})
        helper = Helper(self._client, target, options, program, self._stopped)
        helper.start()
        channel = AgentChannel(
            self._client,
            target,
            helper.pod,
            token,
            lambda: self._shut(helper),
            self._stopped,
            helper.obituary,
            address=helper.address,
            peer_secret=self._peer_secret,
            patience=options.wait_timeout,
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
        command = ("/bin/bash", f"{SCRIPT_MOUNT}/{exec_script.NAME}", "wait")
        program = Program(options.exec_image, command, env, {exec_script.NAME: exec_script.SCRIPT})
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

    def _shut(self, helper: Helper) -> None:
        error = helper.shut()
        if error:
            self._warn(f"the helper could not be removed, it ends itself in a minute: {error}")


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
    """Return whether it is the way to the pod that is closed, not the one to the API server."""
    return "pod" in error.message or "X-Edge-Token" in error.message


def reader(options: HelperOptions) -> HelperOptions:
    """Return the same options for a helper that only looks."""
    return replace(options, read_only=True)
