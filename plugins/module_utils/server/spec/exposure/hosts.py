# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts and paths of C(expose). Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Sequence, Tuple

from ....errors import InputError

# Where OVMS answers (openvinotoolkit/model_server, src/http_rest_api_handler.cpp); the metrics are
# for those inside.
REST_PATHS = ("/v1", "/v2", "/v3")
_SERVED = re.compile(r"/|/(v1|v2|v3|metrics)(/[A-Za-z0-9._~/-]*)?")
_HOST = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")


def host_name(text: str, option: str) -> str:
    """Return a name that an Ingress takes.

    Raises:
        InputError: it is an address or a pattern.
    """
    hint = "Write a name like ocr.example.org, and let DNS point it to the controller"
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        if len(text) <= 253 and _HOST.fullmatch(text):
            return text
        raise InputError(f"'{text}' is not a DNS name", option=option, hint=hint) from None
    raise InputError(f"'{text}' is an address, not a DNS name", option=option, hint=hint)


def rest_paths(given: Sequence[str]) -> Tuple[str, ...]:
    """Return the paths of REST that are let in.

    Raises:
        InputError: the server answers nothing at one of them.
    """
    option = "expose.rest.paths"
    if not given:
        raise InputError("it is empty", option=option, hint="Leave it out for all of REST")
    for index, path in enumerate(given):
        if not _SERVED.fullmatch(path) or "//" in path or ".." in path:
            raise InputError(
                f"the server answers nothing at '{path}', and paths are not rewritten",
                option=f"{option}[{index}]",
                hint=f"Use {', '.join(REST_PATHS)}, /metrics, one below them, or / for all",
            )
    return tuple(dict.fromkeys(given))
