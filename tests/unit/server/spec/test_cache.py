# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache for compiled models: where it is, who else may not be there, and what it is not for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.pss import needed_level
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import cache
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.server import ServerSpec
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import MakeSpec, make_spec

HOST = {"pvc": None, "host_path": {"path": "/m"}}


def pod(made: ServerSpec) -> dict[str, Any]:
    (found,) = [item for item in render_objects(made) if item["kind"] == "Deployment"]
    return dict(found["spec"]["template"]["spec"])


def mount(made: ServerSpec) -> dict[str, Any]:
    mounts = pod(made)["containers"][0]["volumeMounts"]
    (found,) = [item for item in mounts if item["mountPath"] == "/opt/cache"]
    return dict(found)


@pytest.mark.parametrize("store", [{}, HOST])
def test_a_volume_of_a_size_that_lives_as_long_as_its_pod(
    spec: MakeSpec, store: dict[str, Any]
) -> None:
    for options, size in (({}, "1Gi"), ({"size": "300Mi"}, "300Mi")):
        made = spec(model_cache=options, **store)
        name = mount(made)["name"]
        assert "readOnly" not in mount(made)
        (volume,) = [item for item in pod(made)["volumes"] if item["name"] == name]
        assert volume == {"name": name, "emptyDir": {"sizeLimit": size}}
        args = pod(made)["containers"][0]["args"]
        assert args[args.index("--cache_dir") + 1] == "/opt/cache"
        assert "env" not in pod(made)["containers"][0]
        assert pod(made)["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    assert needed_level(spec(model_cache={}))[0] == "restricted"


@pytest.mark.parametrize("sub_path", ["", "plant"])
def test_on_the_claim_each_node_has_its_own(spec: MakeSpec, sub_path: str) -> None:
    claim = {"claim_name": "models", "sub_path": sub_path}
    made = spec(model_cache={"persistent": True}, pvc=claim)
    found = mount(made)
    inside = f"{sub_path}/" if sub_path else ""
    assert found["subPathExpr"] == f"{inside}cache/ocr/$(EDGE_NODE_NAME)"
    (variable,) = pod(made)["containers"][0]["env"]
    source = {"fieldRef": {"fieldPath": "spec.nodeName"}}
    assert variable == {"name": "EDGE_NODE_NAME", "valueFrom": source}
    names = [volume["name"] for volume in pod(made)["volumes"]]
    assert found["name"] in names and len(names) == len(set(names)) == 3
    assert needed_level(made)[0] == "restricted"


def test_nothing_without_it(spec: MakeSpec) -> None:
    assert "cache" not in str(render_objects(spec()))


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"model_cache": {"persistent": True, "size": "1Gi"}}, "model_cache.size"),
        ({"model_cache": {"persistent": True}, **HOST}, "model_cache.persistent"),
        ({"model_cache": {"size": "big"}}, "model_cache.size"),
        ({"model_cache": {}, "extra_args": ["--cache_dir", "/tmp"]}, "extra_args[0]"),
        ({"model_cache": {}, "extra_args": ["--x", "--cache_dir=/tmp"]}, "extra_args[1]"),
        ({"model_cache": {}, "env": {"EDGE_NODE_NAME": "x"}}, "env.EDGE_NODE_NAME"),
        (
            {"model_cache": {}, "extra_volumes": [{"name": "cache", "emptyDir": {}}]},
            "extra_volumes[0]",
        ),
        (
            {
                "model_cache": {},
                "extra_volumes": [{"name": "more", "emptyDir": {}}],
                "extra_volume_mounts": [{"name": "more", "mountPath": "/opt/cache/"}],
            },
            "extra_volume_mounts[0]",
        ),
    ],
)
def test_what_cannot_be(options: dict[str, Any], option: str) -> None:
    with pytest.raises(InputError) as caught:
        make_spec(**options)
    assert caught.value.option == option and caught.value.hint


def test_a_claim_for_readers_holds_no_cache() -> None:
    kept = cache.CacheSpec()
    with pytest.raises(InputError, match="ReadOnlyMany"):
        cache.check_modes(kept, ("ReadOnlyMany",), "PersistentVolumeClaim edge/models")
    for spec, modes in (
        (kept, ("ReadOnlyMany", "ReadWriteMany")),
        (kept, ()),
        (cache.CacheSpec("1Gi"), ("ReadOnlyMany",)),
        (None, ("ReadOnlyMany",)),
    ):
        cache.check_modes(spec, modes, "")


@pytest.mark.parametrize(
    ("options", "model", "words"),
    [
        (None, {"allow_cache": True}, "there is no cache"),
        (None, {"allow_cache": False}, ""),
        ({}, {"allow_cache": True}, ""),
        ({}, {"shape": "auto"}, "does not cache it"),
        ({}, {"shape": {"x": "(1,3)", "y": "auto"}}, "does not cache it"),
        ({}, {"batch_size": "auto"}, "does not cache it"),
        ({}, {"batch_size": "auto", "allow_cache": True}, ""),
        ({}, {"shape": "(1,3)", "batch_size": "4"}, ""),
    ],
)
def test_what_is_not_cached_is_told(options: Any, model: dict[str, Any], words: str) -> None:
    made = make_spec(model_cache=options, models=[{"name": "m", "versions": [1], **model}])
    found = cache.warnings(made.cache, made.models, made.extra_args)
    assert bool(found) is bool(words) and all(words in text for text in found)
    by_hand = make_spec(models=[{"name": "m", "versions": [1], "allow_cache": True}])
    assert not cache.warnings(None, by_hand.models, ("--cache_dir", "/elsewhere"))


NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)


@given(name=NAMES, sub_path=st.lists(NAMES, max_size=3), persistent=st.booleans())
def test_mounts_never_meet_and_stay_beside_the_models(
    name: str, sub_path: list[str], persistent: bool
) -> None:
    claim = {"claim_name": "models", "sub_path": "/".join(sub_path)}
    made = make_spec(name=name, pvc=claim, model_cache={"persistent": persistent})
    mounts = pod(made)["containers"][0]["volumeMounts"]
    assert len({item["mountPath"] for item in mounts}) == len(mounts)
    volumes = {volume["name"] for volume in pod(made)["volumes"]}
    assert {item["name"] for item in mounts} == volumes
    place, models = mount(made).get("subPathExpr", ""), f"{claim['sub_path']}/models".strip("/")
    assert not place.startswith((f"{models}/", "/")) and ".." not in place
