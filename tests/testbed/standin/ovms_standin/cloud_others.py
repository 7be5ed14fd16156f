# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's and Azure's clients (src/filesystem/gcsfilesystem.cpp, azurefilesystem.cpp).

Google's: libcurl's proxies, and CLOUD_STORAGE_EMULATOR_ENDPOINT of google-cloud-cpp. A key file is
read, and refused when it is none, but nobody signs in with it. Azure's, as of releases before
2026.4: one proxy in lower case for everything, no_proxy not looked at, SharedKey signatures.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import time
import xml.etree.ElementTree as Xml
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from ovms_standin.cloud_http import CloudError, Proxy, parse_proxy, request


class GoogleBucket:
    """A bucket of Google Cloud Storage."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self._name = name
        default = "https://storage.googleapis.com"
        self._base = environ.get("CLOUD_STORAGE_EMULATOR_ENDPOINT", default).rstrip("/")
        self._proxy = _curl_proxy(self._base, environ)
        _check_key_file(environ.get("GOOGLE_APPLICATION_CREDENTIALS", ""))

    def keys(self, prefix: str) -> list[str]:
        """See Bucket."""
        query = urlencode({"prefix": prefix})
        url = f"{self._base}/storage/v1/b/{self._name}/o?{query}"
        status, body = request("GET", url, {}, self._proxy)
        if status != 200:
            raise CloudError(
                "Invalid or missing GCS credentials, or directory does not exist - "
                f"gs://{self._name}/{prefix}"
            )
        return sorted(str(item["name"]) for item in json.loads(body).get("items", []))

    def read(self, key: str) -> bytes:
        """See Bucket."""
        path = f"/download/storage/v1/b/{self._name}/o/{quote(key, safe='')}?alt=media"
        status, body = request("GET", self._base + path, {}, self._proxy)
        if status != 200:
            raise CloudError(f"Failed to get object at gs://{self._name}/{key}")
        return body


def _check_key_file(path: str) -> None:
    if not path:
        return
    try:
        with open(path, encoding="utf-8") as stream:
            known = "type" in json.load(stream)
    except (OSError, ValueError):
        known = False
    if not known:
        raise CloudError("Unable to create default GCS credentials")


def _curl_proxy(url: str, environ: Mapping[str, str]) -> Proxy | None:
    scheme = urlsplit(url).scheme
    bypass = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    host = urlsplit(url).hostname or ""
    if any(_covers(item.strip(), host) for item in bypass.split(",") if item.strip()):
        return None
    upper = environ.get("HTTPS_PROXY", "") if scheme == "https" else ""
    text = environ.get(f"{scheme}_proxy") or upper
    return parse_proxy(text) if text else None


def _covers(item: str, host: str) -> bool:
    """One item of no_proxy, as libcurl reads it."""
    if item == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(item, strict=False)
    except ValueError:
        name = item.lstrip(".")
        return host == name or host.endswith(f".{name}")


class AzureContainer:
    """A container of blobs, as the connection string names its account."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        text = environ.get("AZURE_STORAGE_CONNECTION_STRING", "")
        parts = dict(item.split("=", 1) for item in text.split(";") if "=" in item)
        self._name = name
        self._account = parts.get("AccountName", "")
        self._key = parts.get("AccountKey", "")
        self._base = parts.get("BlobEndpoint", "").rstrip("/")
        if not self._base:
            suffix = parts.get("EndpointSuffix", "core.windows.net")
            scheme = parts.get("DefaultEndpointsProtocol", "https")
            self._base = f"{scheme}://{self._account}.blob.{suffix}"
        use_http = "AZURE_STORAGE_USE_HTTP_PROXY" in environ
        proxy = environ.get("http_proxy" if use_http else "https_proxy", "")
        self._proxy = parse_proxy(proxy) if proxy else None

    def keys(self, prefix: str) -> list[str]:
        """See Bucket."""
        query = {"comp": "list", "restype": "container", "prefix": prefix}
        status, body = self._send(f"/{self._name}", query)
        if status != 200:
            raise CloudError(f"Unable to access path: az://{self._name}/{prefix} ({status})")
        text = body.decode("utf-8-sig")
        return sorted(item.findtext("Name") or "" for item in Xml.fromstring(text).iter("Blob"))

    def read(self, key: str) -> bytes:
        """See Bucket."""
        status, body = self._send(f"/{self._name}/{quote(key)}", {})
        if status != 200:
            raise CloudError(f"Failed to get object at az://{self._name}/{key} ({status})")
        return body

    def _send(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        text = urlencode(query)
        url = f"{self._base}{path}" + (f"?{text}" if text else "")
        stamp = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        headers = {"x-ms-date": stamp, "x-ms-version": "2021-08-06"}
        resource = f"/{self._account}{urlsplit(url).path}"
        lines = [resource, *(f"{name}:{query[name]}" for name in sorted(query))]
        named = [f"{name}:{value}" for name, value in sorted(headers.items())]
        signed = "\n".join(["GET", *[""] * 11, *named, *lines])
        key = base64.b64decode(self._key)
        digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
        login = base64.b64encode(digest).decode()
        headers["Authorization"] = f"SharedKey {self._account}:{login}"
        return request("GET", url, headers, self._proxy)
