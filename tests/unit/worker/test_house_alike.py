# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is resolved once for hosts that are alike is what each would have got for itself.

`make matrix` runs it on every supported ansible-core.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.openvino.edge.plugins.plugin_utils.alike import Alike, same

try:
    from ansible.template import trust_as_template as trusted

    OLD = False
except ImportError:  # before ansible-core 2.19 every text is one
    trusted, OLD = str, True


class Counting:
    """A templar that counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self._templar = Templar(loader=DataLoader())

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "available_variables":
            self._templar.available_variables = value
        else:
            object.__setattr__(self, name, value)

    def template(self, value: Any) -> Any:
        self.asked += 1
        return self._templar.template(value)

    def evaluate_conditional(self, value: Any) -> bool:
        self.asked += 1
        return bool(self._templar.evaluate_conditional(value))


def marked(value: Any) -> Any:
    """Return a value in which Ansible resolves templates."""
    if isinstance(value, str):
        return trusted(value)
    if isinstance(value, dict):
        return {key: marked(item) for key, item in value.items()}
    return [marked(item) for item in value] if isinstance(value, list) else value


def alone(value: Any, variables: "dict[str, Any]") -> "list[Any]":
    """Return what a value is for one host, by a templar of its own."""
    return list(Templar(DataLoader(), variables=variables).template({"it": value}).values())


def hosts(**common: Any) -> "list[dict[str, Any]]":
    """Return variables of two hosts that differ in their name alone."""
    common = marked(common)  # as variables of a group or of a role: the same objects for each
    return [{"me": name, **common} for name in ("one", "two")]


PURE: "dict[str, dict[str, Any]]" = {
    "{{ store.pvc | default('') }}": {"store": {"pvc": "models"}},
    "{{ auth | combine(options) }}": {"auth": "{{ base }}", "base": {"a": 1}, "options": {"b": 2}},
    "{{ models | map(attribute='name') | join(',') }}": {"models": [{"name": "x"}, {"name": "y"}]},
    "{{ dict(models | map(attribute='name') | zip([[1]])) }}": {"models": [{"name": "x"}]},
    "{{ missing | default('none') }}": {},
    "{% for item in models %}{{ item }}{% endfor %}": {"models": ["a", "b"]},
    "{{ models | selectattr('cloud', 'undefined') | list }}": {"models": [{"name": "x"}]},
    "{{ models | map('selectattr', 'name', 'defined') | map('list') | list }}": {
        "models": [[{"name": "x"}, {}]]
    },
    # What is decoded is no template, whatever it looks like.
    "{{ {} | combine(options) }}": {
        "options": "{{ given | default({}) }}",
        "given": {"x": "{{ blob | b64decode }}"},
        "blob": b64encode(b"{{ me }}").decode(),
    },
    "{{ auth.get('a', 0) }}": {"auth": {"a": "{{ 1 + 1 }}"}},
}
EACH: "dict[str, dict[str, Any]]" = {
    "{{ me }}": {},
    "{{ auth }}": {"auth": "{{ name }}", "name": "site-{{ me }}"},
    "{{ lookup('env', 'HOME') }}": {},
    "{{ hostvars['localhost'].given }}": {"hostvars": {"localhost": {"given": 7}}},
    "{{ names }}": {"names": ["{{ me }}"]},
    "{{ [1, 2, 3] | shuffle | length }}": {},
    "{{ models | map('random') | list }}": {"models": [[1], [2]]},
    "{{ models | map('map', 'random') | map('list') | list }}": {"models": [[[1]], [[2]]]},
    "{{ models | map('select', 'directory') | map('list') | list }}": {"models": [["/", "x"]]},
    "{{ vars['me'] }}": {},
    "{{ now().year > 2000 }}": {},
}


@pytest.mark.parametrize("text", PURE)
def test_what_rests_on_common_variables_is_resolved_once(text: str) -> None:
    templar = Counting()
    alike, value = Alike(templar), trusted(text)
    first, second = hosts(**PURE[text])
    assert alike.resolved(value, first) == alone(value, first)
    asked = templar.asked
    assert alike.resolved(value, second) == alone(value, second)
    assert templar.asked == asked


@pytest.mark.parametrize("text", EACH)
def test_what_rests_on_more_is_resolved_for_each_host(text: str) -> None:
    templar = Counting()
    alike, value = Alike(templar), trusted(text)
    for variables in hosts(**EACH[text]):
        if "vars[" in text:
            variables["vars"] = dict(variables)
        asked = templar.asked
        assert alike.resolved(value, variables) == alone(value, variables)
        assert templar.asked > asked


def test_what_is_kept_on_the_controller_is_resolved_once() -> None:
    templar = Counting()
    alike, value = Alike(templar), trusted("{{ hostvars['localhost'].__edge_plan.wave }}")
    kept = {"localhost": {"__edge_plan": {"wave": "third"}}}
    for variables in hosts():
        assert alike.resolved(value, {**variables, "hostvars": kept}) == ["third"]
    assert templar.asked == 1


def test_another_value_far_below_is_seen() -> None:
    """Two containers that look alike count as one; a value, its type or its order as another."""
    alike, value = Alike(Counting()), trusted("{{ outer | to_json }}")
    found = []
    for inner in ({"a": [1, 2]}, {"a": [1, 2]}, {"a": [1, 3]}, {"a": [1, True]}, {"a": ["1", 2]}):
        variables = {"outer": trusted("{{ inner }}"), "inner": inner}
        found.append(alike.resolved(value, variables))
        assert found[-1] == alone(value, variables)
    assert found[0] == found[1] and len({str(item) for item in found}) == 4
    orders = [{"inner": dict(pairs)} for pairs in ((("a", 1), ("b", 2)), (("b", 2), ("a", 1)))]
    texts = [alike.resolved(trusted("{{ inner | to_json }}"), item)[0] for item in orders]
    assert len(set(texts)) == 2


def test_what_is_left_out_and_what_fails_is_told_for_each_host() -> None:
    alike = Alike(Counting())
    left_out = trusted("{{ image | default(omit) }}")
    for variables in hosts():
        if not OLD:
            assert alike.resolved(left_out, variables) == []
        with pytest.raises(AnsibleError):
            alike.resolved(trusted("{{ there_is_no_such_variable }}"), variables)
        # Its error is nobody's where a default takes its place.
        bare = {**variables, "bare": trusted("{{ there_is_no_such_variable }}")}
        assert alike.resolved(trusted("{{ bare | default('x') }}"), bare) == ["x"]
    assert alike.resolved(left_out, {"image": "ovms"}) == ["ovms"]


def test_a_variable_that_rests_on_itself_is_an_error_and_no_endless_loop() -> None:
    with pytest.raises((AnsibleError, RecursionError)):
        Alike(Counting()).resolved(trusted("{{ a }}"), {"a": trusted("{{ a }}")})


@pytest.mark.skipif(OLD, reason="every text is a template there")
def test_the_same_text_is_no_template_where_it_is_not_trusted() -> None:
    alike = Alike(Counting())
    text = "{{ 1 + 1 }}"
    assert alike.variable("a", {"a": trusted(text)}) == [2]
    assert alike.variable("a", {"a": text}) == [text]
    assert alike.resolved(trusted("{{ a }}"), {"a": text}) == [text]
    assert alike.resolved(trusted("{{ a }}"), {"a": trusted(text)}) == [2]


@pytest.mark.skipif(OLD, reason="conditions are asked in another way there")
def test_conditions_hold_for_each_host_as_they_would_alone() -> None:
    templar = Counting()
    alike = Alike(templar)
    once, each = trusted("golden | length > 0"), trusted("me in over | default([])")
    for number, variables in enumerate(hosts(golden=[], over=["two"])):
        assert alike.holds(once, variables) is False
        assert alike.holds(each, variables) is bool(number)
        assert alike.holds(True, variables) is True
    assert alike.holds(once, {"golden": ["file"]}) is True


def test_two_values_are_the_same_only_if_nothing_can_tell_them_apart() -> None:
    assert same("a", "a") and same([1, {"b": None}], [1, {"b": None}])
    assert not same(1, True) and not same(1, 1.0) and not same("1", 1)
    first = "{{ x }}"
    assert same(first, first)
    assert not same("".join(["{{ x", " }}"]), first), "one of them may not be trusted"
    assert not same(object(), object())
