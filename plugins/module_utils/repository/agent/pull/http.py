# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP(S) GET and HEAD for the script in the helper pod: proxies, TLS, redirects, kept connections.

Runs in the pod (see C(main.py)); stdlib only. No message of an error here holds a query, a
header, or the user of a URL.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import socket
import ssl
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

CONNECT_SECONDS = 20.0
READ_SECONDS = 60.0  # without a byte
REDIRECTS = 5
MOVED = (301, 302, 303, 307, 308)
PORTS = {"http": 80, "https": 443}
SMALL_BODY = 1 << 20  # bytes of an answer that are read only to keep its connection
# 408 and 425 ask for another try, 429 and the 5xx are the trouble of the moment.
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})

Headers = Dict[str, str]
# Takes method and URL, returns the headers that authenticate the request (a token, a signature).
Sign = Callable[[str, str], Headers]


class WebError(Exception):
    """A request failed.

    Attributes:
        kind: C(unreachable), C(proxy), C(tls), C(status), C(source) or C(input).
        status: of HTTP, 0 without an answer.
        again: whether another try may help.
        after: seconds that the server asks to wait, 0 when it does not say.
    """

    def __init__(
        self, message: str, kind: str, *, status: int = 0, again: bool = False, after: float = 0.0
    ) -> None:
        super().__init__(message)
        self.kind, self.status, self.again, self.after = kind, status, again, after


class Origin(NamedTuple):
    """The target of a request; authentication headers are sent to one origin only."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """The C(Host) header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


class Way:
    """The network settings of a site: proxies and trusted certificate authorities.

    Args:
        via: C(http_proxy), C(https_proxy), C(no_proxy), C(ca_pem), C(validate_certs); all optional.

    Raises:
        WebError: a proxy's URL or the certificates cannot be used.
    """

    def __init__(self, via: Mapping[str, Any]) -> None:
        self._no_proxy = str(via.get("no_proxy") or "")
        self._proxies = {
            scheme: _proxy(str(via[f"{scheme}_proxy"]), f"{scheme}_proxy")
            for scheme in PORTS
            if via.get(f"{scheme}_proxy")
        }
        self._seconds = float(via.get("connect_seconds") or CONNECT_SECONDS)
        self._context = _tls(via.get("ca_pem"), via.get("validate_certs", True) is not False)

    def connect(self, origin: Origin) -> Tuple[http.client.HTTPConnection, Headers, bool]:
        """Return a connection, not open yet, headers for a proxy, and whether one reads the URL."""
        proxy = self._proxies.get(origin.scheme)
        if proxy is not None and bypassed(origin.host, origin.port, self._no_proxy):
            proxy = None
        if proxy is None:
            return self._plain(origin.scheme, origin.host, origin.port), {}, False
        host, port, login = proxy
        if origin.scheme == "http":
            return self._plain("http", host, port), login, True
        connection = self._plain("https", host, port)
        connection.set_tunnel(origin.host, origin.port, login)
        return connection, {}, False

    def _plain(self, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
        if scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._seconds)
        return http.client.HTTPSConnection(host, port, timeout=self._seconds, context=self._context)


class Reply:
    """The head of an answer; read its body or close it."""

    def __init__(self, url: str, answer: http.client.HTTPResponse, end: Callable[[], None]) -> None:
        self.url, self.status, self._answer, self._end = url, answer.status, answer, end

    def header(self, name: str) -> str:
        """Return a header's value, C("") without one."""
        return str(self._answer.getheader(name) or "").strip()

    def read_into(self, view: memoryview) -> int:
        """Fill a part of the view; 0 at the end.

        Raises:
            WebError: the connection broke.
        """
        try:
            count = int(self._answer.readinto(view))
            if not count and self._answer.length:
                raise ConnectionError("the connection ended early")
            return count
        except (OSError, http.client.HTTPException) as error:
            self.drop()
            raise broken(self.url, error) from error

    def text(self, limit: int = SMALL_BODY) -> bytes:
        """Return the body, at most C(limit) bytes of it."""
        data, view = bytearray(), memoryview(bytearray(65536))
        while len(data) < limit:
            count = self.read_into(view)
            if not count:
                return bytes(data)
            data += view[:count]
        self.drop()
        return bytes(data[:limit])

    def close(self) -> None:
        """Free the connection for the next request, or drop it when much is still coming."""
        if self._answer.isclosed():
            return
        left = self._answer.length
        if left is not None and left <= SMALL_BODY:
            try:
                self.text(SMALL_BODY + 1)
            except WebError:
                pass
        else:
            self.drop()

    def drop(self) -> None:
        """End the connection; what still comes is not read."""
        self._answer.close()
        self._end()


class Web:
    """Requests of one thread; keeps the connection to the last origin.

    Args:
        way: how to get there.
        sign: returns headers for the requested origin; a redirect to another one does not get them.
    """

    def __init__(self, way: Way, sign: Sign, redirects: int = REDIRECTS) -> None:
        self._way, self._sign, self._redirects = way, sign, redirects
        self._kept: Optional[Tuple[Origin, http.client.HTTPConnection, Headers, bool]] = None

    def ask(self, method: str, url: str, headers: Mapping[str, str]) -> Reply:
        """Send a request and follow redirects.

        Raises:
            WebError: no answer, or one that leads in circles or from https to http.
        """
        first = origin_of(url)
        for _hop in range(self._redirects + 1):
            origin = origin_of(url)
            own = self._sign(method, url) if origin == first else {}
            reply = self._send(origin, method, url, {**headers, **own})
            location = reply.header("Location")
            if reply.status not in MOVED or not location or not self._redirects:
                return reply
            reply.close()
            target = urljoin(url, location)
            if origin.scheme == "https" and origin_of(target).scheme != "https":
                raise WebError(f"{shown(url)} redirects to an unencrypted address", "source")
            url = target
        raise WebError(f"{shown(url)}: more than {self._redirects} redirects", "source")

    def close(self) -> None:
        """Close what is kept."""
        if self._kept:
            self._kept[1].close()
        self._kept = None

    def _send(self, origin: Origin, method: str, url: str, headers: Headers) -> Reply:
        fresh = self._kept is None or self._kept[0] != origin
        try:
            return self._try(origin, method, url, headers)
        except WebError as error:
            self.close()
            if fresh or not error.again:
                raise
        return self._try(origin, method, url, headers)  # the kept connection had ended meanwhile

    def _try(self, origin: Origin, method: str, url: str, headers: Headers) -> Reply:
        if self._kept is None or self._kept[0] != origin:
            self.close()
            self._kept = (origin, *self._way.connect(origin))
        _origin, connection, login, whole = self._kept
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if whole:
            target = f"http://{origin.netloc}{target}"
        fields = {"Host": origin.netloc, "Accept-Encoding": "identity", **headers, **login}
        try:
            if connection.sock is None:
                connection.connect()
                opened: Any = connection.sock
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                opened.settimeout(READ_SECONDS)
            connection.request(method, target, headers=fields)
            return Reply(url, connection.getresponse(), self.close)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise broken(url, error) from error


def broken(url: str, error: Exception) -> WebError:
    """Return the error for a connection that did not come about, or broke."""
    if isinstance(error, ssl.SSLError):
        return WebError(f"{shown(url)}: TLS: {error.reason or 'failed'}{_verify(error)}", "tls")
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if text.startswith("Tunnel connection failed"):
        status = int("".join(filter(str.isdigit, text[:40])) or 0)
        return WebError(f"the proxy refuses {shown(url)}: HTTP {status}", "proxy", status=status)
    if isinstance(error, ValueError) or "control character" in text:
        # Its text shows what cannot be sent, which may be a token.
        return WebError(f"{shown(url)} is not a URL that can be asked for", "input")
    return WebError(f"{shown(url)}: {text}", "unreachable", again=True)


def _verify(error: ssl.SSLError) -> str:
    text = getattr(error, "verify_message", "")
    return f" ({text})" if text else ""


def refused(reply: Reply, note: str = "") -> WebError:
    """Return the error for an answer that gives no bytes; frees its connection."""
    after = reply.header("Retry-After")
    reply.close()
    text = f"{shown(reply.url)}: HTTP {reply.status}" + (f" ({note})" if note else "")
    kind = "proxy" if reply.status == 407 else "status"
    seconds = float(after) if after.isdigit() else 0.0
    return WebError(
        text, kind, status=reply.status, again=reply.status in AGAIN, after=min(seconds, 30.0)
    )


def shown(url: str) -> str:
    """Return a URL for messages: without user, query and fragment, which may hold secrets."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        return "the URL"


def origin_of(url: str) -> Origin:
    """Return where a URL leads.

    Raises:
        WebError: it is no http or https URL with a host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in PORTS or not parts.hostname:
        raise WebError(f"{shown(url)} is no http:// or https:// URL", "input")
    return Origin(parts.scheme, parts.hostname, port or PORTS[parts.scheme])


def basic(user: str, password: str) -> str:
    """Return the value of an HTTP Basic header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _proxy(url: str, name: str) -> Tuple[str, int, Headers]:
    try:
        parts = urlsplit(url if "//" in url else "http://" + url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme != "http" or not parts.hostname:
        raise WebError(f"{name} is not an http:// URL with a host", "input")
    return parts.hostname, port or PORTS["http"], _login(parts)


def _login(parts: SplitResult) -> Headers:
    if not parts.username:
        return {}
    login = basic(unquote(parts.username), unquote(parts.password or ""))
    return {"Proxy-Authorization": login}


def _tls(pem: Optional[str], validate: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Python 3.13 made VERIFY_X509_STRICT a default; many self-made certificates fail it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif pem:
        try:
            context.load_verify_locations(cadata=pem)
        except (ssl.SSLError, ValueError) as error:
            raise WebError("ca_cert holds no PEM certificates", "input") from error
    return context


def bypassed(host: str, port: int, no_proxy: str) -> bool:
    """Return whether a C(no_proxy) list covers a host, by the rules of C(kube/proxies.py)."""
    entries = no_proxy.replace(",", " ").lower().split()
    return any(_matches(host.lower().rstrip("."), port, entry) for entry in entries)


def _matches(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        return address is not None and _in_network(address, entry)
    name, wanted = _split_port(entry)
    if wanted and wanted != str(port):
        return False
    if address is not None:
        return bool(_address(name) == address)
    name = name[1:] if name.startswith("*.") else name
    if name.startswith("."):
        return host.endswith(name)
    return host == name or host.endswith("." + name)


def _split_port(entry: str) -> Tuple[str, str]:
    if entry.startswith("["):
        name, _bracket, rest = entry[1:].partition("]")
        return name, rest.lstrip(":") if rest.lstrip(":").isdigit() else ""
    if entry.count(":") == 1:
        name, _colon, rest = entry.partition(":")
        return name, rest if rest.isdigit() else ""
    return entry, ""


def _address(host: str) -> Any:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _in_network(address: Any, block: str) -> bool:
    try:
        return address in ipaddress.ip_network(block, strict=False)
    except ValueError:
        return False
