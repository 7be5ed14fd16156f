# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint says what OVMS would refuse, with the path, and what would be harmed by it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.config.findings import (
    ERROR,
    NOTE,
    WARNING,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.generation import (
    Generation,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint import lint_config
from ansible_collections.openvino.edge.plugins.module_utils.server.config.properties import (
    judge_key,
    plugins_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.refuse import check_config
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)

from ..conftest import MakeSpec


def entry(**keys: Any) -> dict[str, Any]:
    return {"config": {"name": "m", "base_path": "/models/m", **keys}}


def config(*entries: Any) -> dict[str, Any]:
    return {"model_config_list": list(entries)}


NO_POLICIES: list[Any] = [
    "latest",
    {},
    {"all": {}, "latest": {"num_versions": 1}},
    {"all": {"x": 1}},
    {"latest": {"num_versions": 0}},
    {"latest": {}},
    {"specific": {"versions": []}},
    {"specific": {"versions": ["1"]}},
    {"specific": [1]},
    {"newest": {}},
]
REFUSED: list[tuple[Any, str]] = [
    ([], "/"),
    ({}, "/model_config_list"),
    ({"model_config_list": [], "$schema": "x"}, "/$schema"),
    (config({**entry(), "x": 1}), "/model_config_list/0"),
    (config({"config": []}), "/model_config_list/0/config"),
    (config({"config": {"base_path": "/m"}}), "/model_config_list/0/config/name"),
    (config(entry(mean="1")), "/model_config_list/0/config/mean"),
    (config(entry(version=1)), "/model_config_list/0/config/version"),
    (config(entry(stateful=True)), "/model_config_list/0/config/stateful"),
    (config(entry(base_path="/models/../x")), "/model_config_list/0/config/base_path"),
    (config(entry(nireq=-1)), "/model_config_list/0/config/nireq"),
    (config(entry(nireq=True)), "/model_config_list/0/config/nireq"),
    (config(entry(batch_size="few")), "/model_config_list/0/config/batch_size"),
    (config(entry(batch_size=None)), "/model_config_list/0/config/batch_size"),
    (config(entry(shape=[1, 3])), "/model_config_list/0/config/shape"),
    (config(entry(shape={"x": [1]})), "/model_config_list/0/config/shape"),
    (config(entry(layout="ABC")), "/model_config_list/0/config/layout"),
    (config(entry(target_device=1)), "/model_config_list/0/config/target_device"),
    (config(entry(allow_cache="yes")), "/model_config_list/0/config/allow_cache"),
    (config(entry(plugin_config="{}")), "/model_config_list/0/config/plugin_config"),
    (
        config(entry(plugin_config={"NUM_STREAMS": {}})),
        "/model_config_list/0/config/plugin_config/NUM_STREAMS",
    ),
    (
        config(entry(plugin_config={"NUM_STREAMS": None})),
        "/model_config_list/0/config/plugin_config/NUM_STREAMS",
    ),
    *(
        (
            config(entry(model_version_policy=policy)),
            "/model_config_list/0/config/model_version_policy",
        )
        for policy in NO_POLICIES
    ),
    (config(entry(), entry()), "/model_config_list/1/config/name"),
]


@pytest.mark.parametrize(("document", "path"), REFUSED)
def test_refused(document: Any, path: str) -> None:
    errors = [finding for finding in lint_config(document) if finding.level == ERROR]
    assert [finding.path for finding in errors] == [path]


GOOD: list[dict[str, Any]] = [
    config(),
    config(entry(batch_size="auto", nireq=0, allow_cache=True)),
    config(
        entry(shape="auto"),
        {"config": {"name": "n", "base_path": "/n", "shape": {"x": "(1,-1,2:9)"}}},
    ),
    config(entry(layout={"x": "NHWC:NCHW"}, plugin_config={"A": 1.5, "B": 2, "C": "x"})),
    config(entry(model_version_policy={"all": {}})),
    config(entry(model_version_policy={"latest": {"num_versions": 2}})),
]


@pytest.mark.parametrize("document", GOOD)
def test_accepted(document: dict[str, Any]) -> None:
    assert [finding for finding in lint_config(document) if finding.level != NOTE] == []


def test_digit_boundary_is_warned_about() -> None:
    policy = {"specific": {"versions": [8, 9, 10]}}
    (finding,) = lint_config(config(entry(model_version_policy=policy)))
    assert finding.level == WARNING
    assert "8 and 10" in finding.message
    assert "if 10 fails" in finding.hint
    policy = {"specific": {"versions": [10, 11]}}
    assert lint_config(config(entry(model_version_policy=policy))) == []


def test_batch_size_with_shape_is_warned_about() -> None:
    (finding,) = lint_config(config(entry(batch_size=2, shape="(2,3)")))
    assert (finding.level, finding.key) == (WARNING, "batch_size")


@pytest.mark.parametrize(
    ("key", "device", "sure", "words"),
    [
        ("ENFORCE_BF16", "CPU", True, "INFERENCE_PRECISION_HINT"),
        ("NUM_STREMS", "CPU", True, "Did you mean NUM_STREAMS?"),
        ("performance_hint", "CPU", True, "PERFORMANCE_HINT"),
        ("GPU_QUEUE_PRIORITY", "CPU", True, "GPU"),
        ("NPU_TURBO", "AUTO:GPU,CPU", True, "NPU"),
        ("AUTO_BATCH_TIMEOUT", "CPU", True, "BATCH"),
        ("CACHE_DIR", "CPU", False, ""),
        ("SOMETHING_NEW", "GPU", False, ""),
    ],
)
def test_keys_that_a_device_refuses(key: str, device: str, sure: bool, words: str) -> None:
    verdict = judge_key(key, device)
    assert verdict is not None
    assert verdict.sure is sure
    assert words in f"{verdict.message} {verdict.hint}"


@pytest.mark.parametrize(
    ("key", "value", "harmless"),
    [
        ("CPU_THROUGHPUT_STREAMS", "4", True),
        ("GPU_THROUGHPUT_STREAMS", 4, True),
        ("CPU_THREADS_NUM", "4", True),
        ("CPU_THREADS_NUM", 4, False),
        ("CPU_BIND_THREAD", "YES", False),
    ],
)
def test_old_keys_that_the_server_translates(key: str, value: Any, harmless: bool) -> None:
    document = config(entry(target_device="CPU", plugin_config={key: value}))
    (finding,) = lint_config(document)
    assert finding.level == (WARNING if harmless else ERROR)
    assert ("every model listed after it" in finding.hint) is not harmless
    assert finding.hint.startswith("Use ")


@pytest.mark.parametrize(
    ("key", "device"),
    [
        ("NUM_STREAMS", "CPU"),
        ("NUM_STREAMS", "AUTO:GPU,CPU"),
        ("NUM_STREAMS", "GPU.1"),
        ("GPU_QUEUE_PRIORITY", "HETERO:GPU.0,CPU"),
        ("NPU_TURBO", "NPU"),
        ("SCHEDULE_POLICY", "AUTO"),
    ],
)
def test_keys_that_a_device_takes(key: str, device: str) -> None:
    assert judge_key(key, device, generation=Generation((2026, 3))) is None


def test_plugins_of() -> None:
    assert plugins_of("AUTO:GPU.1,CPU") == ("AUTO", "GPU", "CPU")
    assert plugins_of("BATCH:CPU(16)") == ("BATCH", "CPU")
    assert plugins_of("CPU") == ("CPU",)


def test_the_error_names_the_option_and_the_harm(spec: MakeSpec) -> None:
    bad = {"name": "m", "versions": [9, 10], "plugin_config": {"NUM_STREMS": 1}}
    runtime = Runtime()
    with pytest.raises(InputError) as caught:
        check_config(render_config(spec(models=[bad])), runtime)
    assert caught.value.option == "models[m].plugin_config.NUM_STREMS"
    assert "Did you mean NUM_STREAMS? The server would" in str(caught.value)
    assert "every model listed after it" in str(caught.value)
    assert runtime.warnings[0].startswith("models[m].versions: versions 9 and 10")
