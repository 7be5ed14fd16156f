# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OVMS release of a server, from an option or its image tag, and the features by release. Pure.

Sources: src/schema.cpp and src/cli_parser.cpp of openvinotoolkit/model_server, tags v2022.3 to
v2026.3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple

from ...errors import InputError

Release = Tuple[int, int]

# The oldest release whose command line has every flag that is rendered.
OLDEST: Release = (2022, 3)
# The first release with MediaPipe graphs, in a list of their own.
GRAPHS: Release = (2023, 0)
# The first release whose plugin_config takes booleans; all releases take "YES" and "NO".
BOOLEAN_PROPERTIES: Release = (2023, 3)
# The first release that refuses other keys beside "config"; older ones ignore them.
ONE_KEY_ONLY: Release = (2024, 0)
# model_config_list takes graphs, and base_path is no longer required there.
GRAPHS_AMONG_MODELS: Release = (2025, 1)
# The first release without the TensorFlow Serving API and stateful models.
KSERVE_ONLY: Release = (2026, 3)
STATEFUL_KEYS = (
    "stateful",
    "idle_sequence_cleanup",
    "low_latency_transformation",
    "max_sequence_number",
)

_GIVEN = re.compile(r"v?(20\d\d)\.(\d{1,2})(?:[.-].*)?")
# A tag of the project's images, such as 2026.2.1-gpu; a site's own suffix does not matter.
_TAG = re.compile(r"v?(20\d\d)\.(\d{1,2})(?![0-9])(?:[.\-_].*)?")


@dataclass(frozen=True)
class Generation:
    """A release of OVMS; if it is unknown, only features of all releases are accepted.

    Attributes:
        release: year and number; None is unknown.
        source: where it is known from, for messages.
        probed: a running server reported it; the next run may not find that server running.
    """

    release: Optional[Release] = None
    source: str = "the image does not tell its release"
    probed: bool = False

    @property
    def known(self) -> bool:
        """Tell whether the release is known."""
        return self.release is not None

    def __str__(self) -> str:
        if self.release is None:
            return "an unknown OVMS release"
        return f"OVMS {self.release[0]}.{self.release[1]}"

    def before(self, release: Release) -> bool:
        """Tell whether the release is known and older."""
        return self.release is not None and self.release < release

    def since(self, release: Release) -> bool:
        """Tell whether the release is known and the same or newer."""
        return self.release is not None and self.release >= release

    @property
    def graphs_among_models(self) -> bool:
        """Tell whether a graph is written into C(model_config_list)."""
        return self.writes_for(GRAPHS_AMONG_MODELS)

    def writes_for(self, release: Release) -> bool:
        """Tell whether keys that a release introduced are written.

        A probed release does not count: the file must not depend on whether a server is running.
        """
        return self.since(release) and not self.probed


UNKNOWN = Generation()


def generation_of(ovms_version: Optional[str], image: str) -> Generation:
    """Return the generation: what is given, else what the image's tag says.

    Raises:
        InputError: C(ovms_version) is not a release, or it is older than what is supported.
    """
    if ovms_version:
        match = _GIVEN.fullmatch(ovms_version)
        if not match:
            raise InputError(
                f"'{ovms_version}' is not a release of OVMS",
                option="ovms_version",
                hint='Write it like "2026.2" or "2026.2.1"',
            )
        found = Generation((int(match.group(1)), int(match.group(2))), "given as ovms_version")
        return _supported(found, "ovms_version")
    release = release_of(image)
    if release is None:
        return UNKNOWN
    return _supported(Generation(release, f"read from the image's tag {tag_of(image)}"), "image")


def release_of(image: str) -> Optional[Release]:
    """Return the release that the tag of an image tells, if any."""
    match = _TAG.fullmatch(tag_of(image))
    return (int(match.group(1)), int(match.group(2))) if match else None


def tag_of(image: str) -> str:
    """Return the tag of an image reference, also beside a digest, or nothing."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2]


def _supported(generation: Generation, option: str) -> Generation:
    if generation.before(OLDEST):
        raise InputError(
            f"{generation} ({generation.source}) is older than 2022.3, and lacks options that are"
            " needed",
            option=option,
            hint="Use a newer release; if the tag counts something else, tell the release in"
            " ovms_version",
        )
    return generation


def key_fault(key: str, generation: Generation) -> Optional[Tuple[str, str]]:
    """Return what is wrong with a known key of a model in this generation, and the way out."""
    if key in STATEFUL_KEYS and not generation.before(KSERVE_ONLY):
        if generation.known:
            return (f"{generation} does not know it: it went with 2026.3", "Leave it out")
        return ("OVMS 2026.3 and later refuse this key", _unknown_hint(generation))
    if key in ("graph_path", "subconfig") and not generation.since(GRAPHS_AMONG_MODELS):
        if generation.known:
            hint = "Put the graph into mediapipe_config_list"
            return (f"{generation} knows graphs in mediapipe_config_list only", hint)
        return ("OVMS 2025.0 and earlier refuse this key here", _unknown_hint(generation))
    return None


def _unknown_hint(generation: Generation) -> str:
    return f"Leave it out, or tell the release in ovms_version ({generation.source})"
