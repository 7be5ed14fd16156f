# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolves a template once for all hosts for which it gives the same.

The clusters of a fleet differ in little: their names, logins and namespaces. What a template gives
depends on the variables that it names, on those that these name, and so on. Where another host has
the same ones with the same raw values, the result is the same, too, unless the template asks for
more than variables: a lookup, the time, a random number, another host. Those are resolved for each
host, as is whatever cannot be told; so nobody can tell the difference but by the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

from ansible import template as ansible_template
from ansible.errors import AnsibleError
from ansible.utils.unsafe_proxy import wrap_var
from jinja2 import Environment, TemplateError, nodes


def _words(text: str) -> FrozenSet[str]:
    return frozenset(text.split())


# What these give depends on what they are given, and on nothing else.
FILTERS = _words(
    """abs b64decode b64encode basename batch bool capitalize combine count d default dict2items
    difference dirname extract first flatten float format from_json from_yaml groupby hash indent
    int intersect items items2dict join last length list lower map max min product regex_escape
    regex_findall regex_replace regex_search reject rejectattr replace reverse round select
    selectattr slice sort split splitext string sum symmetric_difference ternary title to_json
    to_nice_json to_nice_yaml to_yaml tojson trim type_debug union unique upper wanted_models zip
    zip_longest"""
)
TESTS = _words(
    """== != > >= < <= all any boolean contains defined divisibleby eq equalto even false falsy
    float ge greaterthan gt in integer iterable le lessthan lower lt mapping match ne none number
    odd regex search sequence string subset superset true truthy undefined upper version"""
)
FUNCTIONS = _words("dict range")
METHODS = _words(
    """count endswith get index items join keys lower replace rstrip split startswith strip upper
    values"""
)
# Filters that take the name of a filter or of a test, and where it is.
_NAMING = {"map": (FILTERS, 0), "select": (TESTS, 0), "reject": (TESTS, 0)}
_NAMING.update({"selectattr": (TESTS, 1), "rejectattr": (TESTS, 1)})
# These stand for much more than a value of this host.
OTHERS = _words("vars lookup query q now undef")
# Another host's variables may hold anything, but what the plays of this collection keep on the
# controller is made of values, and stays what it is while a task runs.
HOSTVARS, KEEPER, KEPT_THERE = "hostvars", "localhost", "__edge_"
_PREFIXES = ("ansible.builtin.", "openvino.edge.")
_STRANGE = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.ExtensionAttribute)
# So many results of one template are kept: hosts alike are mostly neighbours.
KEPT = 4

ABSENT: Any = object()
# ansible-core before 2.19 has a type of its own for texts that are not resolved.
KNOWS_TRUST = hasattr(ansible_template, "is_trusted_as_template")
trusted = getattr(ansible_template, "is_trusted_as_template", lambda value: True)
Names = Optional[FrozenSet[str]]


@dataclass(frozen=True)
class Known:
    """What a template gave.

    Attributes:
        rests_on: raw values of all variables that count, by name; C(ABSENT) where there was none.
        result: what it gave, see C(Alike.resolved).
    """

    rests_on: Mapping[str, Any]
    result: List[Any]

    def holds_for(self, variables: Mapping[str, Any]) -> bool:
        """Tell whether it gives the same with these variables."""
        for name, value in self.rests_on.items():
            other = variables.get(name, ABSENT)
            if other is not value and not same(value, other):
                return False
        return True


class Alike:
    """Resolves templates, and knows what they gave for the hosts before.

    Args:
        templar: resolves what is not known yet.
    """

    def __init__(self, templar: Any) -> None:
        self._templar = templar
        self._parser = Environment()
        self._names: Dict[Tuple[str, bool], Names] = {}
        self._known: Dict[Any, List[Known]] = {}
        # What is told apart by its identity stays, so that nothing else gets that.
        self._kept: Dict[int, Any] = {}
        self._busy: Set[str] = set()

    def resolved(self, value: Any, variables: Mapping[str, Any]) -> List[Any]:
        """Return what a value of the play is when its templates are resolved for a host.

        Args:
            value: a template, or what has templates in it; it is the same object for each host.
            variables: of the host.

        Returns:
            One item, or none if it is to be left out (C(omit)).
        """
        if _is_constant(value):
            return [value]
        key = _told_apart(value)
        if isinstance(key, int):
            self._kept[key] = value
        return self._one_of(key, value, variables, {})

    def variable(self, name: str, variables: Mapping[str, Any]) -> List[Any]:
        """Return what a variable of a host is, in the same form."""
        value = variables[name]
        if _is_constant(value):
            return [value]
        if isinstance(value, str):
            return self._one_of(_told_apart(value), value, variables, {})
        return self._one_of(("variable", name), value, variables, {name: value})

    def holds(self, condition: Any, variables: Mapping[str, Any]) -> bool:
        """Tell whether a condition of the play holds for a host (ansible-core 2.19 and later)."""
        if isinstance(condition, str):
            key = ("condition", _told_apart(condition))
            return bool(self._one_of(key, condition, variables, {}, condition=True)[0])
        self._templar.available_variables = variables
        return bool(self._templar.evaluate_conditional(condition))

    def _one_of(
        self,
        key: Any,
        value: Any,
        variables: Mapping[str, Any],
        rests_on: Dict[str, Any],
        condition: bool = False,
    ) -> List[Any]:
        """Return what is known, or resolve it and keep it if it rests on variables alone."""
        known = self._known.setdefault(key, [])
        for number, item in enumerate(known):
            if item.holds_for(variables):
                if number:
                    known.insert(0, known.pop(number))
                return item.result
        rests = self._collect(value, variables, rests_on, condition)
        if rests:
            variables = self._with_known(rests_on, variables)
        self._templar.available_variables = variables
        if condition:
            result = [self._templar.evaluate_conditional(value)]
        else:
            # As a dictionary, from which it is left out if it is omit.
            result = list(self._templar.template({"it": value}).values())
        if rests:
            known.insert(0, Known(rests_on, result))
            del known[KEPT:]
        return result

    def _with_known(
        self, rests_on: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return the variables with those resolved on which others rest, once for many."""
        found: Dict[str, Any] = {}
        for name, value in rests_on.items():
            if name in self._busy or not isinstance(value, str) or _is_constant(value):
                continue
            self._busy.add(name)
            try:
                for item in self.variable(name, variables):
                    found[name] = _final(item)
            except AnsibleError:
                # Whoever needs it gets this error where it is needed.
                pass
            finally:
                self._busy.discard(name)
        return {**variables, **found} if found else variables

    def _collect(
        self, value: Any, variables: Mapping[str, Any], rests_on: Dict[str, Any], condition: bool
    ) -> bool:
        """Add all variables that a value rests on; tell whether it rests on nothing else."""
        if isinstance(value, str):
            names = self._names_in(str(value), condition)
            if names is None:
                return False
            for name in names:
                if name not in rests_on:
                    rests_on[name] = variables.get(name, ABSENT)
                    if name == HOSTVARS:
                        continue
                    if not self._collect(rests_on[name], variables, rests_on, False):
                        return False
            return True
        if isinstance(value, dict):
            return all(self._collect(item, variables, rests_on, False) for item in value.values())
        if isinstance(value, (list, tuple)):
            return all(self._collect(item, variables, rests_on, False) for item in value)
        return value is ABSENT or value is None or isinstance(value, (bool, int, float))

    def _names_in(self, text: str, condition: bool) -> Names:
        """Return the variables that a template names; None if it may ask for anything else."""
        if not condition and "{" not in text:
            return frozenset()
        key = (text, condition)
        if key not in self._names:
            # Such a line changes what the signs of the template are.
            strange = text.startswith("#jinja2:")
            found = None if strange else self._parsed(f"{{{{ {text} }}}}" if condition else text)
            self._names[key] = found
        return self._names[key]

    def _parsed(self, text: str) -> Names:
        try:
            tree = self._parser.parse(text)
        except TemplateError:
            return None
        return _names_of(tree) if _rests_on_variables(tree) else None


def _final(value: Any) -> Any:
    """Return what a variable is so that Ansible resolves nothing in it any more.

    Before ansible-core 2.19 all texts are templates, also one that was decoded or read.
    """
    return value if KNOWS_TRUST else wrap_var(value)


def _is_constant(value: Any) -> bool:
    if isinstance(value, str):
        return "{" not in value
    return value is None or isinstance(value, (bool, int, float))


def _told_apart(value: Any) -> Any:
    """Return by what a value of the play is told apart from others.

    The same text is not always the same template: of some texts Ansible resolves nothing, since
    they come from elsewhere.
    """
    return (type(value), trusted(value), str(value)) if isinstance(value, str) else id(value)


def _names_of(tree: nodes.Template) -> Names:
    """Return all names in a template, its own loop variables among them: too many do no harm."""
    names = [str(node.name) for node in tree.find_all(nodes.Name)]
    kept = sum(map(_is_kept_value, tree.find_all(nodes.Getattr)))
    found = frozenset(names)
    return None if found & OTHERS or names.count(HOSTVARS) != kept else found


def _is_kept_value(node: nodes.Getattr) -> bool:
    """Tell whether this is C(hostvars['localhost'].__edge_...)."""
    host = node.node
    return (
        node.attr.startswith(KEPT_THERE)
        and isinstance(host, nodes.Getitem)
        and isinstance(host.node, nodes.Name)
        and host.node.name == HOSTVARS
        and isinstance(host.arg, nodes.Const)
        and host.arg.value == KEEPER
    )


def _rests_on_variables(tree: nodes.Template) -> bool:
    """Tell whether what a template gives rests on variables alone."""
    if next(iter(tree.find_all(_STRANGE)), None) is not None:
        return False
    # ansible-core before 2.19 resolves once more what a template has given.
    texts = (node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str))
    return (
        all("{{" not in text and "{%" not in text for text in texts)
        and all(map(_is_pure_filter, tree.find_all(nodes.Filter)))
        and all(_short(node.name) in TESTS for node in tree.find_all(nodes.Test))
        and all(map(_is_pure_call, tree.find_all(nodes.Call)))
    )


def _is_pure_filter(node: nodes.Filter) -> bool:
    name = _short(node.name)
    if name not in FILTERS or node.dyn_args is not None or node.dyn_kwargs is not None:
        return False
    return _names_pure(name, node.args)


def _names_pure(name: str, args: Sequence[nodes.Expr]) -> bool:
    """Tell whether a filter that takes the name of a filter or a test is given a pure one.

    What it is given may take a name itself, as in C(map('map', 'random')).
    """
    if name not in _NAMING:
        return True
    allowed, place = _NAMING[name]
    if len(args) <= place:
        return True
    word = args[place]
    if not isinstance(word, nodes.Const) or _short(str(word.value)) not in allowed:
        return False
    return allowed is TESTS or _names_pure(_short(str(word.value)), args[place + 1 :])


def _is_pure_call(node: nodes.Call) -> bool:
    if isinstance(node.node, nodes.Name):
        return node.node.name in FUNCTIONS
    return isinstance(node.node, nodes.Getattr) and node.node.attr in METHODS


def _short(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def same(one: Any, other: Any) -> bool:
    """Tell whether two raw values of a variable give the same wherever they are used.

    Texts with templates are the same only if they are one: whether Ansible trusts them cannot be
    seen.
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, str):
        return bool(one == other) and "{" not in one
    if isinstance(one, dict):
        # The order of the keys may count.
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, (bool, int, float)) and bool(one == other)
