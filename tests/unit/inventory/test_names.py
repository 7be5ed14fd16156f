# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options become sources; names and groups of hosts are never two things at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.inventory import clusters
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.inventory.grouping import by_labels
from ansible_collections.openvino.edge.plugins.module_utils.inventory.options import parse
from ansible_collections.openvino.edge.plugins.module_utils.inventory.records import (
    Record,
    from_json,
    named,
)
from hypothesis import given
from hypothesis import strategies as st


def safe(name: str) -> str:
    return re.sub(r"\W", "_", name)


def labelled(name: str, **labels: str) -> Record:
    return Record(name, f"cluster {name}", {"labels": labels})


def test_relative_paths_begin_at_the_inventory() -> None:
    found = parse(
        {
            "kubeconfigs": ["sites/*.yaml", "/etc/edge"],
            "cluster_api": {"hub": {"kubeconfig": "hub.yaml", "context": "mgmt"}},
        },
        "/srv/inventory",
    )
    assert found.files and found.files.patterns == ("/srv/inventory/sites/*.yaml", "/etc/edge")
    assert found.hubs[0].hub == {"kubeconfig": "/srv/inventory/hub.yaml", "context": "mgmt"}


def test_true_asks_for_a_hub_without_options() -> None:
    found = parse({"open_cluster_management": True, "cluster_api": False}, "/")
    assert [(hub.option, hub.hub) for hub in found.hubs] == [("open_cluster_management", {})]


@pytest.mark.parametrize(
    ("options", "named_option", "said"),
    [
        ({}, None, "no source of clusters"),
        ({"kubeconfigs": []}, "kubeconfigs", "at least one"),
        ({"kubeconfig": "x"}, "kubeconfig", "needs contexts"),
        ({"contexts": [3]}, "contexts", "list of texts"),
        ({"cluster_api": ["fleet"]}, "cluster_api", "true or a mapping"),
        ({"cluster_api": {"service_account": "x"}}, "cluster_api", "service_account"),
        ({"cluster_api": {"namespace": 3}}, "cluster_api.namespace", "text"),
        ({"cluster_api": {"qualified_names": "y"}}, "cluster_api.qualified_names", "true or"),
        ({"cluster_api": {"hub": "x"}}, "cluster_api.hub", "mapping"),
        ({"cluster_api": {"hub": {"validate_certs": "no"}}}, "cluster_api.hub.validate_certs", ""),
        ({"contexts": "*", "rename": ["x"]}, "rename", "pattern and replace"),
        ({"contexts": "*", "rename": [{"pattern": "(", "replace": ""}]}, "rename", "regular"),
        ({"contexts": "*", "group_by_labels": {"a": 1}}, "group_by_labels", "mapping"),
    ],
)
def test_bad_options_are_named(options: Any, named_option: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(options, "/")
    assert caught.value.option == named_option
    assert said in str(caught.value)


def test_a_credential_of_a_hub_is_refused_with_its_place() -> None:
    with pytest.raises(InputError) as caught:
        parse({"open_cluster_management": {"hub": {"api_key": "s3cret"}}}, "/")
    assert "EDGE_HUB_API_KEY" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_two_clusters_with_one_name_are_both_told() -> None:
    twins = [Record("oslo", "file /a/oslo.yaml"), Record("oslo", "ManagedCluster oslo")]
    with pytest.raises(InputError, match=r"/a/oslo\.yaml.*ManagedCluster oslo"):
        named(twins, ())


def test_names_that_a_rule_makes_the_same_are_refused() -> None:
    twins = [Record("a@x", "context a@x"), Record("b@x", "context b@x")]
    with pytest.raises(InputError, match=r"context a@x.*context b@x"):
        named(twins, [(re.compile("^.*@"), "")])


@pytest.mark.parametrize("name", ["", "a b", "a:1", "a,b", "!a", "*", "-a", "{{ x }}", "all", "å"])
def test_names_that_hosts_cannot_have_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="context of f") as caught:
        named([Record(name, "context of f")], ())
    assert caught.value.option == "rename"


def test_many_bad_names_are_counted() -> None:
    with pytest.raises(InputError, match="and 7 more"):
        named([Record(f"a@{number}", "f") for number in range(12)], ())


def test_a_replacement_that_does_not_fit_is_told() -> None:
    with pytest.raises(InputError, match="does not fit"):
        named([Record("a", "f")], [(re.compile("a"), r"\2")])


@given(st.lists(st.text(max_size=8), max_size=6))
def test_hosts_are_safe_and_as_many_as_clusters(names: list[str]) -> None:
    rules = [(re.compile("[^A-Za-z0-9_.-]+"), "-"), (re.compile("^-"), "x")]
    try:
        hosts = [one.name for one in named([Record(name, name) for name in names], rules)]
    except InputError:
        return
    assert len(set(hosts)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", host) for host in hosts)


def test_records_survive_a_cache() -> None:
    record = Record("oslo", "f", {"labels": {"a": "b"}}, {"edge_kubeconfig": "/f"}, True, "why")
    assert from_json(record.as_json()) == record


def test_labels_become_groups() -> None:
    fleet = [labelled("a", region="north", wave="1"), labelled("b", region="south"), labelled("c")]
    found = by_labels(fleet, [("region", "region"), ("wave", "w")], safe)
    assert found == {"region_north": ["a"], "w_1": ["a"], "region_south": ["b"]}


def test_a_label_without_a_value_is_a_group_by_its_name() -> None:
    assert by_labels([labelled("a", edge="")], [("edge", "edge")], safe) == {"edge": ["a"]}


def test_two_values_that_would_be_one_group_are_refused() -> None:
    fleet = [labelled("a", region="eu-1"), labelled("b", region="eu.1")]
    with pytest.raises(InputError, match=r"region=eu-1 and region=eu\.1.*region_eu_1"):
        by_labels(fleet, [("region", "region")], safe)


_VALUES = st.text(alphabet="ab-._", max_size=4)


@given(st.lists(st.dictionaries(st.sampled_from(["x", "y"]), _VALUES), max_size=5))
def test_hosts_of_a_group_have_the_same_value(carried: list[dict[str, str]]) -> None:
    fleet = [labelled(f"h{number}", **labels) for number, labels in enumerate(carried)]
    try:
        found = by_labels(fleet, [("x", "x"), ("y", "y")], safe)
    except InputError:
        return
    labels = {record.name: record.facts["labels"] for record in fleet}
    for group, hosts in found.items():
        assert len({labels[host].get(group[0]) for host in hosts}) == 1


def pages() -> "list[Any]":
    """Return the inventory files of the plugin's documentation and of its page."""
    root = Path(__file__).resolve().parents[3]
    blocks = re.findall(
        r"^```yaml\n(.*?)^```$", (root / "docs" / "inventory.md").read_text("utf-8"), re.M | re.S
    )
    first, *others = re.split(r"^# (?=plugin: )", clusters.EXAMPLES, flags=re.M)
    texts = [first, *(re.sub(r"^# ?", "", text.split("\n\n")[0], flags=re.M) for text in others)]
    found = map(yaml.safe_load, [*texts, *blocks])
    return [one for one in found if "plugin" in one]


def test_the_examples_are_inventory_files() -> None:
    known = set(yaml.safe_load(clusters.DOCUMENTATION)["options"])
    inherited = {"compose", "groups", "keyed_groups", "strict"}
    kept = {"cache", "cache_plugin", "cache_connection", "cache_timeout"}
    assert len(pages()) == 9
    for page in pages():
        assert set(page) <= known | inherited | kept
        assert parse(page, "/srv")


@pytest.mark.parametrize(
    ("context", "host"),
    [
        ("admin@oslo.eu-west-1.eksctl.io", "oslo"),
        ("arn:aws:eks:eu-west-1:123456789012:cluster/rome", "eu-west-1.rome"),
    ],
)
def test_the_rules_of_the_examples_make_names_of_hosts(context: str, host: str) -> None:
    ruled = [parse(page, "/").rename for page in pages() if "rename" in page]
    assert len(ruled) == 2
    for rules in ruled:
        assert [one.name for one in named([Record(context, "f")], rules)] == [host]
