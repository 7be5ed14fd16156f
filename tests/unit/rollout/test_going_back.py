# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules release and release_info: going back, listing and comparing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError, InputError

from .conftest import Site

BUCKET: dict[str, Any] = {
    "pvc": None,
    "cloud": {
        "s3": {
            "uri": "s3://models",
            "endpoint": "http://minio:9000",
            "access_key_id": "who-knows",
            "secret_access_key": "nobody-knows",
        }
    },
}


def test_going_back_is_a_reload_of_the_last_good_configuration(site: Site) -> None:
    site.deploy(1)
    site.deploy(2)
    result = site.back(release_run="3 a.m.")
    assert (result["from_release"], result["to_release"]) == (2, 1)
    assert (result["changed"], result["reload"]) == (True, "config_reload")
    assert result["release"] == {"number": 3, "verdict": "good", "reason": "", "restores": 1}
    assert site.served() == [1]
    assert site.info()["releases"][0]["run"] == "3 a.m."


def test_going_back_twice_changes_nothing(site: Site) -> None:
    site.deploy(1)
    site.deploy(2)
    site.back()
    again = site.back()
    assert (again["changed"], again["to_release"]) == (False, 3)
    assert site.cluster.writes() == []
    assert site.served() == [1]


def test_a_way_back_that_was_killed_is_gone_to_its_end(site: Site) -> None:
    """The same command again must not go one release further."""
    for version in (1, 2, 3):
        site.deploy(version)
    site.back()
    record = site.cluster.objects["ConfigMap", "ocr-release-4"]["data"]
    text = record["release.json"]
    record["release.json"] = text.replace('"verdict":"good"', '"verdict":"unknown"')
    assert site.verdicts()[4] == "unknown"
    again = site.back()
    assert (again["from_release"], again["to_release"]) == (4, 2)
    assert site.served() == [2] and site.verdicts()[4] == "good" and len(site.verdicts()) == 4


def test_a_way_back_keeps_as_many_records_as_there_are(site: Site) -> None:
    for version in range(1, 13):
        site.deploy(version, release_history=50)
    site.back()
    assert sorted(site.verdicts()) == list(range(1, 14))


def test_check_mode_tells_what_going_back_would_do(site: Site) -> None:
    site.deploy(1)
    site.deploy(2)
    predicted = site.back(check=True)
    assert site.cluster.writes() == []
    real = site.back()
    for key in ("changed", "objects", "reload", "from_release", "to_release"):
        assert predicted[key] == real[key], key
    assert predicted["diff"]["after"] == real["diff"]["after"]


def test_a_named_release_is_put_back(site: Site) -> None:
    for version in (1, 2, 3):
        site.deploy(version)
    assert site.back(to="1")["to_release"] == 1
    assert site.served() == [1]
    assert site.back(to="3")["to_release"] == 3
    assert site.served() == [3]


def test_a_failed_release_is_put_back_by_name_only_and_with_a_warning(site: Site) -> None:
    site.deploy(1)
    site.broken = {2}
    with pytest.raises(EdgeError):
        site.deploy(2)
    assert site.back()["to_release"] == 1
    site.broken = set()
    site.back(to="2")
    assert any("release 2 is recorded as failed" in text for text in site.warnings)
    assert site.served() == [2]


def test_the_gate_is_asked_even_if_nothing_was_to_be_changed(site: Site) -> None:
    site.deploy(1)
    site.deploy(2)
    site.back()
    site.broken = {1}
    with pytest.raises(EdgeError, match="det"):
        site.back()
    assert site.verdicts()[3] == "failed"


def test_all_options_come_back_and_later_defaults_are_filled_in(site: Site) -> None:
    before: dict[str, Any] = {
        "replicas": 2,
        "log_level": "DEBUG",
        "env": {"A": "b"},
        "tolerations": [{"key": "edge", "operator": "Exists"}],
    }
    site.deploy(1, **before)
    deployment = site.cluster.objects["Deployment", "ocr"]["spec"]
    site.deploy(1)
    assert site.cluster.objects["Deployment", "ocr"]["spec"] != deployment
    site.back()
    assert site.cluster.objects["Deployment", "ocr"]["spec"] == deployment


def test_a_secret_is_given_again(site: Site) -> None:
    site.deploy(1, **BUCKET)
    texts = [
        item["data"]["release.json"]
        for (kind, name), item in site.cluster.objects.items()
        if name.startswith("ocr-release-")
    ]
    assert texts and not any("nobody-knows" in text or "who-knows" in text for text in texts)
    site.deploy(2, **BUCKET)
    with pytest.raises(InputError, match=r"cloud\.s3\.access_key_id, cloud\.s3\.secret") as caught:
        site.back()
    assert caught.value.option == "options"
    assert site.cluster.writes() == []
    given = {"cloud": BUCKET["cloud"], "log_level": "TRACE"}
    assert site.back(options=given)["release"]["verdict"] == "good"
    assert site.served() == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no other release before the newest one has passed"),
        ({"to": "7"}, r"there is no release '7'. Recorded are 1 \(good\)"),
        ({"to": "newest"}, "there is no release 'newest'"),
    ],
)
def test_a_release_that_is_not_there_is_named(site: Site, options: Any, message: str) -> None:
    site.deploy(1)
    with pytest.raises(InputError, match=message) as caught:
        site.back(**options)
    assert caught.value.option == "to"
    assert site.cluster.writes() == []


def test_without_a_record_there_is_no_way_back(site: Site) -> None:
    with pytest.raises(InputError, match="no release of this server is recorded"):
        site.back()


def test_a_configuration_of_the_users_own_is_not_in_the_record(site: Site) -> None:
    site.cluster.add("ConfigMap", "mine", data={"config.json": '{"model_config_list": []}'})
    site.deploy(config_map="mine")
    assert site.verdicts() == {1: "unknown"}
    with pytest.raises(InputError, match="did not make"):
        site.back(to="1")


def test_a_record_of_a_later_collection_is_left_alone(site: Site) -> None:
    site.deploy(1)
    site.deploy(2)
    labels = {
        "app.kubernetes.io/managed-by": "openvino.edge",
        "openvino.edge/release": "9",
        "openvino.edge/release-of": "ocr",
    }
    site.cluster.add(
        "ConfigMap", "ocr-release-9", metadata={"labels": labels}, data={"release.json": "{}"}
    )
    assert site.back()["release"]["number"] == 10
    assert any("edge/ocr-release-9 is no release record" in text for text in site.warnings)


def test_the_list_shows_the_newest_first_and_the_way_back(site: Site) -> None:
    site.deploy(1)
    site.deploy(2)
    found = site.info()
    assert [item["number"] for item in found["releases"]] == [2, 1]
    assert (found["last_good"], found["release"], found["changed"]) == (1, None, False)
    assert "differences" not in found
    shown = site.info(number=2)["release"]
    assert shown["options"]["models"][0]["versions"] == [2]
    assert shown["store"] == "PersistentVolumeClaim edge/models"


def test_two_releases_are_compared_by_option(site: Site) -> None:
    site.deploy(1)
    site.deploy(2, log_level="DEBUG")
    assert site.info(compare=[1, 2])["differences"] == [
        {"path": "log_level", "before": "INFO", "after": "DEBUG"},
        {"path": "models[det].versions", "before": [1], "after": [2]},
    ]
    with pytest.raises(InputError, match="there is no release 7"):
        site.info(compare=[1, 7])
    with pytest.raises(InputError, match="3 numbers are given"):
        site.info(compare=[1, 2, 1])
