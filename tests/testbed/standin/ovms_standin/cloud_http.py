# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request to a store, straight or through a proxy."""

from __future__ import annotations

import base64
import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

SECONDS = 10.0
_PROXY = re.compile(r"(https?)://(([^:]{1,128}):([^@]{1,256})@)?([^:/]{1,255})(:([0-9]{1,5}))?/?")


class CloudError(Exception):
    """A store does not give what was asked for; the text is that of the client."""


class ClientCrash(Exception):
    """The client ends the process."""


@dataclass(frozen=True)
class Proxy:
    """A forward proxy."""

    host: str
    port: int
    login: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What it wants to see."""
        if not self.login:
            return {}
        text = base64.b64encode(self.login.encode()).decode()
        return {"Proxy-Authorization": f"Basic {text}"}


def parse_proxy(text: str) -> Proxy | None:
    """The proxy as the S3 client reads it, None when it gives up. Raises ClientCrash."""
    match = _PROXY.fullmatch(text)
    if match is None:
        return None
    if match.group(7) is None:
        # std::stoi of an empty text, and nobody catches it.
        raise ClientCrash("terminate called after throwing 'std::invalid_argument': stoi")
    login = f"{match.group(3)}:{match.group(4)}" if match.group(3) else ""
    return Proxy(match.group(5), int(match.group(7)), login)


def request(
    method: str, url: str, headers: Mapping[str, str], proxy: Proxy | None = None
) -> tuple[int, bytes]:
    """Status and body. Raises CloudError when there is no answer."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    sent = {"Host": parts.netloc, **headers}
    try:
        if proxy is None:
            connection = kind(parts.hostname or "", parts.port, timeout=SECONDS)
        else:
            connection = kind(proxy.host, proxy.port, timeout=SECONDS)
            if secure:
                port = parts.port or 443
                connection.set_tunnel(parts.hostname or "", port, headers=proxy.headers)
            else:
                target, sent = url, {**sent, **proxy.headers}
        connection.request(method, target, headers=sent)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise CloudError(f"{type(error).__name__}: {error}") from error
    return answer.status, body
