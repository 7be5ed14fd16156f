# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery of a task: the local versions, and the sender that uploads their files."""

from __future__ import annotations

from typing import Callable, List, Sequence, Type, TypeVar

from ...runtime import Runtime
from ..options.task import Options
from ..source.hashcache import shared_cache
from ..source.local import Local
from .limit import Bucket, Limiter, OwnBucket
from .sending import Sender
from .shared_limit import shared_bucket
from .work import Work

Step = Callable[[Work], None]
Made = TypeVar("Made", bound=Sender)


class Delivery(Local):
    """The chosen versions of a local repository; the controller sends their files."""

    def sender(self, options: Options, stopped: Callable[[], bool]) -> Sender:
        """Return the sender of the files; C(stopped) tells when the task has to end early."""
        return self._made(Sender, options, stopped)

    def _made(self, kind: Type[Made], options: Options, stopped: Callable[[], bool]) -> Made:
        return kind(
            self.sources,
            compress=options.compress,
            limiter=Limiter(_buckets(options)),
            streams=options.parallel,
            stopped=stopped,
            find_local=shared_cache().path_of,
        )

    def resolve(self, works: Sequence[Work], runtime: Runtime, lock: Step) -> None:
        """Do nothing: the manifests of local files are known without asking a target."""


def _buckets(options: Options) -> List[Bucket]:
    """Return the bounds of the bytes per second.

    Raises:
        InputError: the one over all tasks has no place.
    """
    found: List[Bucket] = []
    if options.bandwidth_limit is not None:
        found.append(OwnBucket(options.bandwidth_limit))
    if options.bandwidth_limit_total is not None:
        found.append(shared_bucket(options.bandwidth_limit_total))
    return found
