# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signature Version 4 against the published examples, and listings of a bucket."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.pull import http as web
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.pull import s3
from web.webkit import FileServer

# Amazon S3 API reference, "Signature Calculations for the Authorization Header", examples.
KEYS = s3.Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
STAMP = "20130524T000000Z"
HOST = "https://examplebucket.s3.amazonaws.com"
NAMES = "host;x-amz-content-sha256;x-amz-date"


@pytest.mark.parametrize(
    ("url", "headers", "names", "signature"),
    [
        (
            f"{HOST}/test.txt",
            {"Range": "bytes=0-9"},
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            f"{HOST}/?lifecycle",
            {},
            NAMES,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            f"{HOST}/?max-keys=2&prefix=J",
            {},
            NAMES,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_published_examples_are_signed_alike(
    url: str, headers: dict[str, str], names: str, signature: str
) -> None:
    made = s3.signed(KEYS, "us-east-1", "GET", url, headers, STAMP)
    assert made["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={signature}"
    )
    assert made["x-amz-date"] == STAMP
    assert KEYS.secret_key not in str(made)


def test_a_session_token_is_signed_and_sent() -> None:
    keys = KEYS._replace(session_token="SESSION")
    made = s3.signed(keys, "eu-west-1", "GET", f"{HOST}/a", {}, STAMP)
    assert made["x-amz-security-token"] == "SESSION"
    assert "x-amz-security-token" in made["Authorization"]
    assert "/eu-west-1/s3/" in made["Authorization"]


def test_keys_do_not_show_what_they_are() -> None:
    assert KEYS.secret_key not in repr(KEYS)
    assert KEYS.secret_key not in f"{KEYS}"


@pytest.mark.parametrize(
    ("endpoint", "region", "url"),
    [
        ("", "", "https://s3.us-east-1.amazonaws.com/models"),
        ("", "eu-central-1", "https://s3.eu-central-1.amazonaws.com/models"),
        ("http://minio:9000/", "", "http://minio:9000/models"),
    ],
)
def test_buckets_are_named_in_the_path(endpoint: str, region: str, url: str) -> None:
    assert s3.base_url("models", endpoint, region) == url


def test_keys_are_escaped_in_the_one_spelling_that_is_signed() -> None:
    assert s3.escaped("a b/ö+(1)~.bin") == "a%20b/%C3%B6%2B%281%29~.bin"


PAGE = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
<IsTruncated>%s</IsTruncated>%s
<Contents><Key>%s</Key><Size>%d</Size><ETag>&quot;e%d&quot;</ETag></Contents></ListBucketResult>"""
ERROR = b"<Error><Code>%s</Code><Message>secret text of the server</Message></Error>"


def test_a_page_without_an_end_token_is_the_last() -> None:
    assert s3.parse_page(PAGE % (b"false", b"", b"m/1/a", 7, 1)) == ([["m/1/a", 7, "e1"]], "")


@pytest.mark.parametrize(
    "body",
    [
        b"no xml",
        b"<Other/>",
        PAGE % (b"true", b"", b"m/1/a", 7, 1),
        b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>a</Key><Size>x</Size></Contents></ListBucketResult>",
    ],
)
def test_what_is_no_whole_listing_is_refused(body: bytes) -> None:
    with pytest.raises(web.WebError):
        s3.parse_page(body)


def _web(signer: s3.Signer) -> web.Web:
    return web.Web(web.Way({}), signer, 0)


def test_all_pages_are_asked_for(files: FileServer) -> None:
    more = b"<NextContinuationToken>t/1=</NextContinuationToken>"
    files.manners.files = {
        "/b?list-type=2&prefix=m%2F": PAGE % (b"true", more, b"m/1/a", 7, 1),
        "/b?continuation-token=t%2F1%3D&list-type=2&prefix=m%2F": PAGE
        % (b"false", b"", b"m/1/b &amp; c", 8, 2),
    }
    signer = s3.Signer(KEYS, "")
    found = s3.listing(_web(signer), signer, f"{files.url}/b", "m/")
    assert found == [["m/1/a", 7, "e1"], ["m/1/b & c", 8, "e2"]]
    assert files.paths() == list(files.manners.files)


def test_a_wrong_clock_of_the_node_is_put_right(files: FileServer) -> None:
    """The server tells the time; the second try is signed with it."""
    files.manners.statuses = [403]
    ahead = time.time() + 7200
    files.manners.headers = {"Date": formatdate(ahead, usegmt=True)}
    files.manners.files["/b"] = PAGE % (b"false", b"", b"k", 1, 1)
    signer = s3.Signer(KEYS, "")
    assert signer.learn(formatdate(ahead, usegmt=True))
    stamp = signer("GET", f"{files.url}/b")["x-amz-date"]
    wanted = time.strftime("%Y%m%dT%H%M", time.gmtime(ahead))
    later = time.strftime("%Y%m%dT%H%M", time.gmtime(ahead + 2))
    assert stamp[:13] in (wanted, later)


def test_an_error_names_the_code_and_the_region_but_not_the_text(files: FileServer) -> None:
    assert s3.error_code(ERROR % b"AccessDenied") == "AccessDenied"
    assert s3.error_code(b"no xml") == ""
    assert s3.error_code(ERROR % b"a b c") == ""
    files.manners.statuses = [301]
    files.manners.headers = {"x-amz-bucket-region": "eu-north-1"}
    signer = s3.Signer(None, "")
    with pytest.raises(web.WebError, match="eu-north-1") as caught:
        s3.listing(_web(signer), signer, f"{files.url}/b", "")
    assert caught.value.status == 301
