# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of GET /v1/config, byte by byte as OVMS writes it."""

from __future__ import annotations

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ApiError
from ansible_collections.openvino.edge.plugins.module_utils.verify.status import (
    ModelVersionStatus,
    parse_config_status,
)

# openvinotoolkit/model_server, src/config_status_utils.cpp: one-space indent, a newline after
# each name, versions as strings.
TWO_VERSIONS = b"""{
"dummy" : 
{
 "model_version_status": [
  {
   "version": "1",
   "state": "END",
   "status": {
    "error_code": "OK",
    "error_message": "OK"
   }
  },
  {
   "version": "2",
   "state": "LOADING",
   "status": {
    "error_code": "UNKNOWN",
    "error_message": "UNKNOWN"
   }
  }
 ]
}
}
"""  # noqa: W291


def test_versions_in_order() -> None:
    status = parse_config_status(TWO_VERSIONS)
    assert status.models == ("dummy",)
    assert status.versions == (
        ModelVersionStatus("dummy", 1, "END"),
        ModelVersionStatus("dummy", 2, "LOADING", "UNKNOWN", "UNKNOWN"),
    )
    assert [item.load_failed for item in status.versions] == [False, True]


def test_a_model_without_versions_is_still_named() -> None:
    status = parse_config_status(b'{"empty" : \n{\n "model_version_status": []\n}\n}\n')
    assert (status.models, status.versions) == (("empty",), ())


def test_no_servables() -> None:
    assert parse_config_status(b"{}").models == ()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"a": 1}', b'{"a": {"model_version_status": [{"state": "X"}]}}'],
)
def test_another_program_on_the_port(body: bytes) -> None:
    with pytest.raises(ApiError, match="rest_port"):
        parse_config_status(body)


def test_long_foreign_bodies_are_cut_in_the_details() -> None:
    with pytest.raises(ApiError) as caught:
        parse_config_status(b"x" * 5000)
    assert len(caught.value.details["body"]) == 200
