# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record holds every option but the secret ones, and gives them back as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.releases import Release
from ansible_collections.openvino.edge.plugins.module_utils.rollout.compare import differences
from ansible_collections.openvino.edge.plugins.module_utils.rollout.content import (
    CONTENT_SPEC,
    digest_of,
    recorded,
    restored,
    secret_parts,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..server.conftest import make_params

MODEST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_WORD = st.text("abcdefgh", min_size=1, max_size=6)
_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(1, 9),
        "log_level": st.sampled_from(("INFO", "DEBUG")),
        "labels": st.dictionaries(_WORD, _WORD, max_size=2),
        "env": st.dictionaries(st.text("ABC", min_size=1, max_size=4), _WORD, max_size=3),
        "extra_args": st.lists(st.sampled_from(("--cpu_extension=x", "--a=b")), max_size=2),
        "models": st.lists(
            st.builds(
                lambda name, versions, config: {
                    "name": name,
                    "versions": versions,
                    "plugin_config": config,
                },
                _WORD,
                st.lists(st.integers(1, 9), min_size=1, max_size=2, unique=True),
                st.dictionaries(_WORD, _WORD, max_size=2),
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda item: str(item["name"]),
        ),
    },
)


def content(params: dict[str, Any]) -> dict[str, Any]:
    return {name: params.get(name) for name in CONTENT_SPEC}


@MODEST
@given(_OPTIONS)
def test_what_is_put_back_is_what_was_recorded(options: dict[str, Any]) -> None:
    params = make_params(**options)
    kept, withheld = recorded(params)
    written = json.loads(json.dumps(kept))
    assert withheld == ()
    assert restored(written, withheld, {}) == content(params)
    assert digest_of(written, withheld) == digest_of(kept, withheld)


@MODEST
@given(_OPTIONS, _OPTIONS)
def test_the_digest_and_the_comparison_tell_the_same(one: Any, other: Any) -> None:
    before, after = recorded(make_params(**one))[0], recorded(make_params(**other))[0]
    same = digest_of(before, ()) == digest_of(after, ())
    assert same == (before == after)
    told = differences(Release(1, "ocr", "", options=before), Release(2, "ocr", "", options=after))
    assert same == (told == [])


def test_another_order_is_a_difference() -> None:
    names = ({"name": "a", "versions": [1]}, {"name": "b", "versions": [1]})
    one, other = (recorded(make_params(models=list(items)))[0] for items in (names, names[::-1]))
    assert digest_of(one, ()) != digest_of(other, ())
    (told,) = differences(Release(1, "o", "", options=one), Release(2, "o", "", options=other))
    assert (told["path"], told["before"]) == ("models (order)", ["[a]", "[b]"])


def test_a_record_from_before_an_option_came_is_the_same_server() -> None:
    kept, _none = recorded(make_params())
    older = {name: value for name, value in kept.items() if name != "drain_seconds"}
    assert digest_of(older, ()) == digest_of(kept, ())
    assert restored(older, (), {})["drain_seconds"] == 5


def test_an_option_that_is_unknown_here_is_refused() -> None:
    with pytest.raises(InputError, match="does not know: magic"):
        restored({"magic": 1}, (), {})


SECRETS: dict[str, dict[str, Any]] = {
    "env.API_TOKEN": {"env": {"API_TOKEN": "s3cret-value", "MODE": "plain"}},
    "env.dotted.password": {"env": {"dotted.password": "s3cret-value"}},
    "extra_args": {"extra_args": ["--api_key=s3cret-value"]},
    "cloud.azure.connection_string": {
        "pvc": None,
        "cloud": {"azure": {"uri": "az://a/b", "connection_string": "s3cret-value"}},
    },
    "proxies.https_proxy": {"proxies": {"https_proxy": "http://me:s3cret-value@proxy:3128"}},
}


@pytest.mark.parametrize("path", sorted(SECRETS))
def test_a_secret_is_not_recorded_and_has_to_be_given_again(path: str) -> None:
    params = make_params(**SECRETS[path])
    kept, withheld = recorded(params)
    assert withheld == (path,)
    assert "s3cret-value" not in json.dumps(kept)
    with pytest.raises(InputError, match=path.replace(".", r"\.")):
        restored(kept, withheld, {})
    again = restored(kept, withheld, {**SECRETS[path], "log_level": "TRACE"})
    assert again == content(params)


def test_a_reference_to_a_secret_is_no_secret() -> None:
    env = {"API_TOKEN": {"secret": "login", "key": "token"}}
    kept, withheld = recorded(make_params(env=env))
    assert withheld == ()
    assert kept["env"] == env


def test_the_secret_parts_are_what_a_record_lacks() -> None:
    given_ = {
        "cloud": {"s3": {"endpoint": "https://depot", "secret_access_key": "s3cret"}},
        "env": {"API_TOKEN": "t0ken", "LEVEL": "3"},
        "extra_args": ["--api-key", "k3y"],
        "replicas": 2,
        "not an option": 1,
    }
    assert secret_parts(given_) == {
        "cloud": {"s3": {"secret_access_key": "s3cret"}},
        "env": {"API_TOKEN": "t0ken"},
        "extra_args": ["--api-key", "k3y"],
    }
    assert secret_parts({}) == secret_parts({"cloud": {}, "replicas": 2}) == {}
    params = make_params(env={"API_TOKEN": "t0ken", "LEVEL": "3"})
    options, withheld = recorded(params)
    assert restored(options, withheld, secret_parts(params))["env"] == params["env"]
