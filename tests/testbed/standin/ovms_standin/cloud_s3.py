# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The S3 client (src/filesystem/s3filesystem.cpp), with what it gets wrong:

S3_ENDPOINT is spoken to over plain HTTP whatever it says, one proxy is taken for everything, and
no_proxy is never looked at. Without keys requests are not signed and go to the host of the bucket's
name. Signatures are AWS's version 4 with an unsigned body.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import xml.etree.ElementTree as Xml
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from ovms_standin.cloud_http import CloudError, Proxy, parse_proxy, request
from ovms_standin.logs import Logger

_UNSIGNED = "UNSIGNED-PAYLOAD"
_LOG = Logger("s3")
_SOURCE = "s3filesystem.cpp"


def proxy_from(environ: Mapping[str, str]) -> Proxy | None:
    """The one proxy for everything. Raises ClientCrash on one without a port."""
    names = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
    text = next((environ[name] for name in names if environ.get(name)), "")
    if not text:
        return None
    proxy = parse_proxy(text)
    if proxy is None:
        _LOG.error(_SOURCE, f"Couldn't parse proxy: {text}")
    return proxy


class S3Bucket:
    """One bucket."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self._name = name
        self._region = environ.get("AWS_REGION") or "us-east-1"
        self._key = environ.get("AWS_ACCESS_KEY_ID", "")
        self._secret = environ.get("AWS_SECRET_ACCESS_KEY", "")
        self._token = environ.get("AWS_SESSION_TOKEN", "")
        self._proxy = proxy_from(environ)
        endpoint = environ.get("S3_ENDPOINT", "")
        if endpoint:
            base = f"http://{endpoint.removeprefix('http://')}"
        else:
            base = f"https://s3.{self._region}.amazonaws.com"
        if self._key and self._secret:
            self._base = f"{base}/{name}"
        else:
            scheme, _, host = base.partition("://")
            self._base = f"{scheme}://{name}.{host}"

    def keys(self, prefix: str) -> list[str]:
        """See Bucket. The first page only, as the client asks for no other."""
        try:
            status, body = self._send("HEAD", "/", {})
            trouble = "" if status == 200 else f"HTTP response code: {status}"
        except CloudError as error:
            trouble = str(error)
        if trouble:
            # The client's words for whatever it was, a proxy that is down as well.
            raise CloudError(
                "Invalid or missing S3 credentials, or bucket does not exist - "
                f"{self._name}. {trouble}"
            )
        status, body = self._send("GET", "/", {"prefix": prefix} if prefix else {})
        if status != 200:
            raise CloudError(f"Failed to list objects with prefix s3://{self._name}/{prefix}")
        found = [item.text or "" for item in Xml.fromstring(body).iter() if _is(item, "Key")]
        return sorted(found)

    def read(self, key: str) -> bytes:
        """See Bucket."""
        status, body = self._send("GET", f"/{quote(key)}", {})
        if status != 200:
            raise CloudError(f"Failed to get object at s3://{self._name}/{key}")
        return body

    def _send(self, method: str, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        text = urlencode(sorted(query.items()), quote_via=quote, safe="")
        url = f"{self._base}{path}" + (f"?{text}" if text else "")
        headers = self._signed(method, url, text) if self._key and self._secret else {}
        return request(method, url, headers, self._proxy)

    def _signed(self, method: str, url: str, query: str) -> dict[str, str]:
        parts = urlsplit(url)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = {
            "host": parts.netloc,
            "x-amz-content-sha256": _UNSIGNED,
            "x-amz-date": stamp,
        }
        if self._token:
            headers["x-amz-security-token"] = self._token
        names = ";".join(sorted(headers))
        lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
        canonical = "\n".join([method, parts.path, query, *lines, "", names, _UNSIGNED])
        scope = f"{stamp[:8]}/{self._region}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{self._secret}".encode()
        for step in scope.split("/"):
            key = hmac.new(key, step.encode(), hashlib.sha256).digest()
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, digest])
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        login = f"Credential={self._key}/{scope}, SignedHeaders={names}, Signature={signature}"
        del headers["host"]
        return {**headers, "Authorization": f"AWS4-HMAC-SHA256 {login}"}


def _is(item: Xml.Element, name: str) -> bool:
    return item.tag.rpartition("}")[2] == name
