# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenShift has and Kubernetes lacks, before a real API server: an OAuth server.

It names itself under the well-known path, asks for user and password, and gives real tokens of the
API server behind it; deleting a token's object makes the API server refuse it. Everything else is
passed on as it is, and answers come back as they arrive.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from fronts import PassingOn, standing

TOKENS = "/apis/oauth.openshift.io/v1/oauthaccesstokens/"


@dataclass
class Front:
    """The server; C(asked) has the paths of OAuth, C(given) the tokens."""

    password: str
    issue: Callable[[], str]
    revoke: Callable[[str], None]
    namespace: str = ""
    url: str = ""
    asked: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)


class Handler(PassingOn):
    """Answers for OAuth."""

    front: Front

    def handle_any(self) -> None:
        """Answer for OAuth, and pass on the rest."""
        path = urlsplit(self.path).path
        if path == "/.well-known/oauth-authorization-server":
            return self.send(200, {"authorization_endpoint": f"{self.front.url}/oauth/authorize"})
        if path == "/oauth/authorize":
            return self.authorize()
        if path.startswith(TOKENS) and self.command == "DELETE":
            self.front.asked.append(TOKENS)
            self.front.revoke(path.removeprefix(TOKENS))
            return self.send(200, {"kind": "Status", "status": "Success"})
        return self.pass_back(self.ask(self.body()))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def authorize(self) -> None:
        """Give a token in the fragment of an address, or ask for user and password."""
        self.front.asked.append("/oauth/authorize")
        asked = parse_qs(urlsplit(self.path).query)
        login = base64.b64encode(f"edge:{self.front.password}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {login}":
            challenge = {"WWW-Authenticate": 'Basic realm="openshift"'}
            return self.send(401, {}, **challenge)
        if asked.get("response_type") != ["token"] or not self.headers.get("X-CSRF-Token"):
            return self.send(400, {})
        token = self.front.issue()
        self.front.given.append(token)
        given = {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
        where = f"{self.front.url}/oauth/token/implicit#{urlencode(given)}"
        return self.send(302, {}, Location=where)

    def send(self, status: int, body: Any, **headers: str) -> None:
        """Send an answer of our own."""
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def running(front: Front, cluster: Any) -> Iterator[Front]:
    """Serve on loopback until the block ends."""
    with standing(Handler, cluster, admin=False, front=front) as front.url:
        yield front
