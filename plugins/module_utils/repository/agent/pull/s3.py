# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 for the script in the helper pod: Signature Version 4 and ListObjectsV2, path-style URLs.

Runs in the pod (see C(main.py)); stdlib only. The rules are those of the Amazon S3 API
reference, "Authenticating Requests: Using the Authorization Header" and "ListObjectsV2"; servers
that speak the same protocol (MinIO, Ceph, rclone) take them too.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from email.utils import parsedate_to_datetime
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import parse_qsl, quote, urlsplit
from xml.etree import ElementTree

from . import http as web

ALGORITHM = "AWS4-HMAC-SHA256"
NO_BODY = hashlib.sha256(b"").hexdigest()
DEFAULT_REGION = "us-east-1"
PAGE_BYTES = 32 << 20  # of one page of a listing; 1000 keys of 1 KiB take less than 2 MiB
PAGES = 10_000
SKEWED = "RequestTimeTooSkewed"


class Keys(NamedTuple):
    """The access key that signs; its C(repr) shows no secret."""

    access_key: str
    secret_key: str
    session_token: str = ""

    def __repr__(self) -> str:
        return "Keys(...)"


class Signer:
    """Makes the headers of a GET or HEAD; unsigned without keys.

    Args:
        keys: whose they are; C(None) for a bucket that everybody may read.
        region: of the bucket.
    """

    def __init__(self, keys: Optional[Keys], region: str) -> None:
        self._keys, self._region = keys, region or DEFAULT_REGION
        self._skew = 0.0  # seconds that the server's clock is ahead of ours

    def __call__(self, method: str, url: str) -> Dict[str, str]:
        """Return the headers for a URL, signed now."""
        if self._keys is None:
            return {}
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + self._skew))
        return signed(self._keys, self._region, method, url, {}, stamp)

    def learn(self, date: str) -> bool:
        """Take the server's clock from its C(Date); a node's own may be wrong."""
        try:
            self._skew = parsedate_to_datetime(date).timestamp() - time.time()
        except (TypeError, ValueError, IndexError):
            return False
        return True


def signed(
    keys: Keys, region: str, method: str, url: str, headers: Mapping[str, str], stamp: str
) -> Dict[str, str]:
    """Return the headers that authenticate a request without a body.

    Args:
        headers: others that are signed too.
        stamp: the time, as C(20130524T000000Z).
    """
    parts = urlsplit(url)
    fields = {name.lower(): value.strip() for name, value in headers.items()}
    fields.update({"host": web.origin_of(url).netloc, "x-amz-content-sha256": NO_BODY})
    fields["x-amz-date"] = stamp
    if keys.session_token:
        fields["x-amz-security-token"] = keys.session_token
    names = ";".join(sorted(fields))
    canonical = "\n".join(
        (
            method,
            parts.path or "/",
            _canonical_query(parts.query),
            *(f"{name}:{fields[name]}" for name in sorted(fields)),
            "",
            names,
            NO_BODY,
        )
    )
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = b"AWS4" + keys.secret_key.encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    credential = f"Credential={keys.access_key}/{scope}"
    authorization = f"{ALGORITHM} {credential},SignedHeaders={names},Signature={key.hex()}"
    own = {name: value for name, value in fields.items() if name != "host"}
    return {**own, "Authorization": authorization}


def _canonical_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(
        f"{name}={value}"
        for name, value in sorted((quote(n, safe="-_.~"), quote(v, safe="-_.~")) for n, v in pairs)
    )


def base_url(bucket: str, endpoint: str, region: str) -> str:
    """Return the path-style URL of a bucket, without a slash at the end."""
    place = endpoint.rstrip("/") or f"https://s3.{region or DEFAULT_REGION}.amazonaws.com"
    return f"{place}/{escaped(bucket)}"


def escaped(key: str) -> str:
    """Return a key as it stands in a URL: the one spelling that is also signed."""
    return quote(key, safe="/-_.~")


def listing(client: web.Web, signer: Signer, bucket_url: str, prefix: str) -> List[List[Any]]:
    """Return [key, size, etag] of every object below a prefix, in the order of the server.

    Raises:
        WebError: the bucket cannot be listed, or the answer makes no sense.
    """
    found: List[List[Any]] = []
    token = ""
    for _page in range(PAGES):
        query = [("list-type", "2"), ("prefix", prefix)]
        if token:
            query.append(("continuation-token", token))
        text = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(query))
        entries, token = parse_page(_page_text(client, signer, f"{bucket_url}?{text}"))
        found += entries
        if not token:
            return found
    raise web.WebError(f"{web.shown(bucket_url)}: the listing has no end", "source")


def _page_text(client: web.Web, signer: Signer, url: str) -> bytes:
    reply = client.ask("GET", url, {})
    if reply.status == 403:
        error = refusal(reply, signer)
        if not error.again:
            raise error
        reply = client.ask("GET", url, {})  # signed with the server's clock
    if reply.status != 200:
        raise refusal(reply, signer)
    return reply.text(PAGE_BYTES)


def refusal(reply: web.Reply, signer: Signer) -> web.WebError:
    """Return the error for an answer of an S3 server; may be tried again when a clock is wrong."""
    date = reply.header("Date")
    region = reply.header("x-amz-bucket-region")
    code = error_code(reply.text(65536)) if reply.status >= 300 else ""
    note = code
    if region and reply.status in (301, 307, 400):
        note = f"{code}, the bucket's region is {region}".lstrip(", ")
    error = web.refused(reply, note)
    if code == SKEWED:
        error.again = signer.learn(date)
    return error


def error_code(body: bytes) -> str:
    """Return the C(Code) of an error document, C("") without one."""
    try:
        found = ElementTree.fromstring(body).findtext("Code")  # noqa: S314
    except ElementTree.ParseError:
        return ""
    return found if found and found.isalnum() and len(found) < 64 else ""


def parse_page(body: bytes) -> Tuple[List[List[Any]], str]:
    """Return the [key, size, etag] of one page and the token of the next, C("") at the end.

    Raises:
        WebError: it is no listing.
    """
    try:
        root = ElementTree.fromstring(body)  # noqa: S314
    except ElementTree.ParseError as error:
        raise web.WebError("the listing is no XML", "source") from error
    if _name(root) != "ListBucketResult":
        raise web.WebError("the answer is no listing of a bucket", "source")
    entries: List[List[Any]] = []
    token, more = "", False
    for child in root:
        if _name(child) == "Contents":
            entries.append(_entry({_name(item): item.text or "" for item in child}))
        elif _name(child) == "NextContinuationToken":
            token = child.text or ""
        elif _name(child) == "IsTruncated":
            more = child.text == "true"
    if more and not token:
        raise web.WebError("the listing is cut short", "source")
    return entries, token if more else ""


def _entry(fields: Mapping[str, str]) -> List[Any]:
    try:
        return [fields["Key"], int(fields["Size"]), fields.get("ETag", "").strip('"')]
    except (KeyError, ValueError) as error:
        raise web.WebError(
            "the listing names an object without a key or a size", "source"
        ) from error


def _name(element: Any) -> str:
    """Return a tag without its namespace; servers differ in it."""
    return str(element.tag).rpartition("}")[2]
