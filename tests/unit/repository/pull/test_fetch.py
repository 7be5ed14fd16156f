# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the helper pod does with servers that behave, and with those that do not."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.files import Refused
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.pull import (
    fetch as agent_fetch,
)
from web.webkit import FileServer, ForwardProxy, running

from .conftest import NearUpload

PATHS = ["/m/1/a.bin", "/m/1/b.txt", "/m/1/c ö.bin"]


def request(base: str, numbers: tuple[int, ...] = (0, 1, 2), **via: Any) -> dict[str, Any]:
    items = [{"number": n, "url": base + quote(PATHS[n])} for n in numbers]
    return {"files": items, "via": via}


def fetch(
    upload: NearUpload, body: dict[str, Any], secrets: Path | str = "/nowhere"
) -> tuple[dict[str, Any], dict[str, Any]]:
    progress: dict[str, Any] = {}
    result = agent_fetch.Fetcher(upload, body, progress, str(secrets)).run()
    return result, progress


def done(upload: NearUpload) -> list[int]:
    return sorted(int(path.name[5:]) for path in upload.root.glob("done-*"))


def test_all_files_come(upload: NearUpload, files: FileServer) -> None:
    result, progress = fetch(upload, request(files.url))
    assert result["files"] == {str(n): {"done": True} for n in range(3)}
    assert result["bytes"] == 370_000 == progress["bytes"]
    assert progress["files"] == 3
    assert done(upload) == [0, 1, 2]
    assert len(files.paths()) == 2  # an empty file is not asked for


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_goes_on_where_it_broke(
    upload: NearUpload, files: FileServer, ranges: bool
) -> None:
    files.manners.cut, files.manners.ranges = [200_000, 70_000], ranges
    result, _progress = fetch(upload, request(files.url, (0,)))
    assert result["files"]["0"] == {"done": True}
    again = [headers for _verb, _path, headers in files.asked[1:]]
    assert all("Range" in headers and "If-Range" in headers for headers in again)
    if ranges:
        assert files.sent <= 300_000 + 2 * agent_fetch.BLOCK


def test_what_an_earlier_run_left_is_not_fetched_again(
    upload: NearUpload, files: FileServer
) -> None:
    upload.path(0).write_bytes(upload.contents[0][:299_000])
    upload.path(2).write_bytes(upload.contents[2])
    result, _progress = fetch(upload, request(files.url, (0, 2)))
    assert result == {"files": {"0": {"done": True}, "2": {"done": True}}, "bytes": 1000}
    assert [headers.get("Range") for _v, _p, headers in files.asked] == ["bytes=299000-"]


def test_a_part_of_another_file_is_fetched_anew(upload: NearUpload, files: FileServer) -> None:
    upload.path(0).write_bytes(b"x" * 150_000)
    result, _progress = fetch(upload, request(files.url, (0,)))
    assert result["files"]["0"] == {"done": True}
    assert result["bytes"] == 450_000


def test_a_server_without_ranges_gives_all_of_it(upload: NearUpload, files: FileServer) -> None:
    files.manners.ranges = False
    upload.path(0).write_bytes(b"x" * 150_000)
    result, _progress = fetch(upload, request(files.url, (0,)))
    assert result == {"files": {"0": {"done": True}}, "bytes": 300_000}


def test_wrong_bytes_are_told_and_not_tried_again(upload: NearUpload, files: FileServer) -> None:
    files.manners.wrong = True
    result, _progress = fetch(upload, request(files.url, (0,)))
    assert result["files"]["0"]["bad"]
    assert done(upload) == []
    assert len(files.paths()) == 1


@pytest.mark.parametrize("tell", [True, False])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_of_another_length_is_no_file_of_the_manifest(
    upload: NearUpload, files: FileServer, change: int, tell: bool
) -> None:
    files.manners.tell_sizes = tell
    data = files.manners.files[PATHS[0]]
    files.manners.files[PATHS[0]] = data[:change] if change < 0 else data + b"x"
    result, _progress = fetch(upload, request(files.url, (0,)))
    error = result["files"]["0"]["error"]
    assert "bytes there" in error or "longer there" in error or "ended early" in error
    assert done(upload) == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("encoding", "gzip", "encoded"), ("range_error", True, "another part")],
)
def test_answers_that_are_not_what_was_asked_for(
    upload: NearUpload, files: FileServer, field: str, value: Any, words: str
) -> None:
    upload.path(0).write_bytes(upload.contents[0][:10])
    setattr(files.manners, field, value)
    result, _progress = fetch(upload, request(files.url, (0,)))
    assert words in result["files"]["0"]["error"]
    assert result["files"]["0"]["kind"] == "source"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_passing_trouble_is_waited_out(upload: NearUpload, files: FileServer, status: int) -> None:
    files.manners.statuses = [status] * 3
    result, _progress = fetch(upload, request(files.url, (0,)))
    assert result["files"]["0"] == {"done": True}


def test_trouble_that_stays_ends_in_an_error(upload: NearUpload, files: FileServer) -> None:
    files.manners.statuses = [503] * 50
    result, _progress = fetch(upload, request(files.url, (0,)))
    assert result["files"]["0"]["status"] == 503
    assert len(files.paths()) == 5


def test_one_missing_file_does_not_keep_the_others(upload: NearUpload, files: FileServer) -> None:
    del files.manners.files[PATHS[0]]
    result, _progress = fetch(upload, request(files.url, parallel=1))
    assert result["files"]["0"]["status"] == 404
    assert done(upload) == [1, 2]


def test_a_refusal_for_all_ends_at_once(upload: NearUpload, files: FileServer) -> None:
    files.manners.login = "Bearer right"
    result, _progress = fetch(upload, request(files.url, parallel=1))
    assert result["files"] == {
        "0": {
            "error": f"{files.url}/m/1/a.bin: HTTP 401",
            "kind": "status",
            "status": 401,
        }
    }


def test_redirects_are_followed_and_keep_secrets_from_strangers(
    upload: NearUpload, files: FileServer
) -> None:
    with running(FileServer()) as other:
        other.manners.files["/elsewhere"] = upload.contents[0]
        files.manners.redirects = {PATHS[0]: f"{other.url}/elsewhere?signature=secret"}
        body = request(files.url, (0,), headers={"Authorization": "Bearer hidden"})
        result, _progress = fetch(upload, body)
        assert result["files"]["0"] == {"done": True}
        assert files.asked[0][2]["Authorization"] == "Bearer hidden"
        assert "Authorization" not in other.asked[0][2]


def test_redirects_within_a_server_keep_the_login(upload: NearUpload, files: FileServer) -> None:
    files.manners.files["/new"] = upload.contents[0]
    files.manners.redirects = {PATHS[0]: "/new"}
    body = request(files.url, (0,), headers={"Authorization": "Bearer hidden"})
    assert fetch(upload, body)[0]["files"]["0"] == {"done": True}
    assert files.asked[1][2]["Authorization"] == "Bearer hidden"


def test_circles_end(upload: NearUpload, files: FileServer) -> None:
    files.manners.redirects = {PATHS[0]: PATHS[0]}
    result, _progress = fetch(upload, request(files.url, (0,)))
    assert "redirects" in result["files"]["0"]["error"]


def test_peers_are_not_followed_elsewhere(upload: NearUpload, files: FileServer) -> None:
    files.manners.redirects = {PATHS[0]: "/m/1/c"}
    body = request(files.url, (0,), kind="peer", headers={"X-Edge-Peer": "secret"})
    assert fetch(upload, body)[0]["files"]["0"]["status"] == 302
    assert files.asked[0][2]["X-Edge-Peer"] == "secret"


def test_credentials_come_from_the_mounted_secret(
    upload: NearUpload, files: FileServer, tmp_path: Path
) -> None:
    secrets = tmp_path / "secret"
    secrets.mkdir()
    (secrets / "username").write_text("me\n")
    (secrets / "password").write_text("pässword")
    files.manners.login = "Basic bWU6cMOkc3N3b3Jk"
    result, _progress = fetch(upload, request(files.url, (0,), secret=True), secrets)
    assert result["files"]["0"] == {"done": True}


def test_a_bearer_token_goes_before_a_login(
    upload: NearUpload, files: FileServer, tmp_path: Path
) -> None:
    (tmp_path / "bearer_token").write_text("token")
    (tmp_path / "username").write_text("me")
    files.manners.login = "Bearer token"
    result, _progress = fetch(upload, request(files.url, (0,), secret=True), tmp_path)
    assert result["files"]["0"] == {"done": True}


def test_a_secret_without_keys_is_named(upload: NearUpload, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Secret"):
        fetch(upload, request("http://127.0.0.1:9", secret=True), tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("bearer_token", "hidden\nfor good", "a control character"),
        ("bearer_token", "h\u00efdden", "not ASCII"),
        ("AWS_SESSION_TOKEN", "hidden\rfor good", "a control character"),
        ("https_proxy", "http://me:hidden\n@proxy", "a control character"),
    ],
)
def test_a_secret_that_no_request_can_carry_is_named_and_not_shown(
    upload: NearUpload, tmp_path: Path, key: str, value: str, what: str
) -> None:
    (tmp_path / key).write_text(value)
    (tmp_path / "AWS_ACCESS_KEY_ID").write_text("AKID")
    (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text("very-secret")
    kind = "s3" if "AWS" in key else "http"
    with pytest.raises(Refused, match=f"the key {key} of the Secret holds .*{what}") as caught:
        fetch(upload, request("http://127.0.0.1:9", secret=True, kind=kind), tmp_path)
    assert caught.value.status == 400
    assert "dden" not in str(caught.value)


def test_a_header_that_cannot_be_sent_is_not_shown(upload: NearUpload, files: FileServer) -> None:
    body = request(files.url, (0,), headers={"Authorization": "Bearer hidden\nfor good"})
    result, _progress = fetch(upload, body)
    assert result["files"]["0"]["kind"] == "input"
    assert "hidden" not in str(result)
    assert files.asked == []


def test_half_a_pair_of_keys_is_refused(upload: NearUpload, tmp_path: Path) -> None:
    (tmp_path / "AWS_ACCESS_KEY_ID").write_text("key")
    with pytest.raises(Refused, match="only one of"):
        fetch(upload, request("http://127.0.0.1:9", secret=True, kind="s3"), tmp_path)


def test_s3_requests_are_signed_each_time(
    upload: NearUpload, files: FileServer, tmp_path: Path
) -> None:
    (tmp_path / "access_key").write_text("AKIDEXAMPLE")
    (tmp_path / "secret_key").write_text("very-secret")
    files.manners.statuses = [503]
    body = request(files.url, (0, 2), kind="s3", secret=True, region="eu-west-1")
    result, _progress = fetch(upload, body, tmp_path)
    assert result["files"] == {"0": {"done": True}, "2": {"done": True}}
    for _verb, _path, headers in files.asked:
        assert "AKIDEXAMPLE" in headers["Authorization"]
        assert "/eu-west-1/s3/" in headers["Authorization"]
        assert "very-secret" not in str(headers)


def test_the_proxy_is_used_and_no_proxy_is_heeded(
    upload: NearUpload, files: FileServer, proxy: ForwardProxy
) -> None:
    login = f"http://someone:proxy-secret@{proxy.place}"
    result, _progress = fetch(upload, request(files.url, (0,), http_proxy=login))
    assert result["files"]["0"] == {"done": True}
    assert proxy.log == [f"GET {files.url}/m/1/a.bin"]
    fetch(upload, request(files.url, (2,), http_proxy=login, no_proxy="127.0.0.0/8"))
    assert len(proxy.log) == 1
    assert done(upload) == [0, 2]


def test_a_refusing_proxy_is_named_without_its_login(
    upload: NearUpload, files: FileServer, proxy: ForwardProxy
) -> None:
    login = f"http://someone:wrong-secret@{proxy.place}"
    result, _progress = fetch(upload, request(files.url, (0,), http_proxy=login))
    assert result["files"]["0"]["kind"] == "proxy"
    assert "wrong-secret" not in str(result)
    assert files.asked == []


def test_https_goes_through_a_tunnel(upload: NearUpload, proxy: ForwardProxy) -> None:
    """No server answers behind it: the proxy has heard CONNECT, and nothing of the path."""
    body = request("https://127.0.0.1:9", (0,), https_proxy=f"http://{proxy.place}")
    result, _progress = fetch(upload, body)
    assert proxy.log == ["CONNECT 127.0.0.1:9"]
    assert result["files"]["0"]["status"] == 407
    assert result["files"]["0"]["kind"] == "proxy"


def test_an_error_shows_no_query_and_no_user(upload: NearUpload, files: FileServer) -> None:
    url = files.url.replace("//", "//user:hidden1@") + "/gone?signature=hidden2"
    body = {"files": [{"number": 0, "url": url}], "via": {}}
    result, _progress = fetch(upload, body)
    assert result["files"]["0"]["status"] == 404
    assert "hidden" not in str(result)


def test_nobody_there_is_tried_a_few_times(upload: NearUpload) -> None:
    result, _progress = fetch(upload, request("http://127.0.0.1:9", parallel=1))
    assert list(result["files"]) == ["0"]
    assert result["files"]["0"]["kind"] == "unreachable"


def test_a_lost_lock_ends_it_and_keeps_what_came(upload: NearUpload, files: FileServer) -> None:
    files.manners.pause = 0.02
    lost = Refused(423, "lost")
    threading.Timer(0.1, lambda: setattr(upload, "stopped", lost)).start()
    with pytest.raises(Refused, match="lost"):
        fetch(upload, request(files.url, (0,)))
    assert 0 < upload.have(0) < 300_000
    assert upload.contents[0].startswith(upload.path(0).read_bytes())


def test_stopping_is_quick(upload: NearUpload, files: FileServer) -> None:
    files.manners.pause = 0.05
    fetcher = agent_fetch.Fetcher(upload, request(files.url, (0,)), {})
    threading.Timer(0.2, fetcher.stop).start()
    start = time.monotonic()
    assert fetcher.run()["files"] == {}
    assert time.monotonic() - start < 2.0


def test_many_files_share_their_connections(
    files: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {f"/f{n:03d}": b"%d" % n for n in range(200)}
    files.manners.files.update(contents)
    opened: list[int] = []
    real = files.get_request

    def get_request() -> Any:
        opened.append(1)
        return real()

    monkeypatch.setattr(files, "get_request", get_request)
    items = [{"number": n, "url": f"{files.url}/f{n:03d}"} for n in range(200)]
    result, _progress = fetch(NearUpload(tmp_path, contents), {"files": items, "via": {}})
    assert len(result["files"]) == 200
    assert len(opened) <= agent_fetch.PARALLEL


def test_a_kept_connection_that_ended_meanwhile_is_opened_again(
    upload: NearUpload, files: FileServer
) -> None:
    source = agent_fetch.Source({})
    client = source.open()
    client.ask("GET", f"{files.url}/m/1/b.txt", {}).close()
    kept: Any = client._kept
    kept[1].sock.shutdown(2)
    assert client.ask("GET", f"{files.url}/m/1/b.txt", {}).status == 200
    client.close()
