# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages: width, links, the index, examples that modules take, hooks that are `make lint`."""

from __future__ import annotations

import importlib
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.images import DEFAULT_SERVER_IMAGE

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import steps  # noqa: E402

WIDTH = 120
MAIN = "https://github.com/openvino-edge/openvino.edge/"
RAW = "https://raw.githubusercontent.com/openvino-edge/openvino.edge/main/"
DOCS = sorted((ROOT / "docs").glob("*.md"))
ROOT_PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
ROLES = sorted(ROOT.glob("roles/*/README.md"))
PAGES = [*ROOT_PAGES, *DOCS, *ROLES]
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")
# What modules need to know of a cluster, which examples leave to module_defaults.
GIVEN = {"namespace": "edge", "models": [{"name": "m", "versions": [1]}]}
# Where people read which image they get: the pages, what modules and roles say, and the example.
TOLD = [
    *PAGES,
    *sorted(ROOT.glob("plugins/modules/*.py")),
    *sorted(ROOT.glob("plugins/doc_fragments/*.py")),
    *sorted(ROOT.glob("roles/*/*/*.yml")),
    *sorted(ROOT.glob("inventories/example/**/*.yml")),
]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """Return the text of a page without its fenced blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.M)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def long_lines(text: str) -> list[str]:
    """Return the lines that are too long: tables and single words cannot be broken."""
    return [
        line
        for line in text.splitlines()
        if len(line) > WIDTH
        and not line.startswith("|")
        and " " in line.strip(" -*").split("](")[0]
    ]


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_lines_are_not_too_long(path: Path) -> None:
    assert long_lines(prose(path)) == []


def test_a_long_line_is_found() -> None:
    assert long_lines("word " * 30) and not long_lines("| cell " * 30)


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(prose(path)):
        file, _mark, anchor = target.partition("#")
        if file.startswith(MAIN) and re.match(r"(blob|tree)/main/", file[len(MAIN) :]):
            there = ROOT / file[len(MAIN) :].split("/main/", 1)[1]
        elif re.match(r"https?:", file):
            continue
        else:
            there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{name(path)}: {target}"
        if anchor:
            assert anchor in anchors(there), f"{name(path)}: {target}"


def test_the_readme_has_full_urls_only() -> None:
    """Automation Hub and Galaxy show it without the repository around it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not link.startswith("https://")] == []
    for file in re.findall(rf"{re.escape(RAW)}([\w./-]+)", text):
        assert (ROOT / file).is_file(), file


def test_the_readme_has_the_headings_that_certification_wants() -> None:
    headings = set(re.findall(r"^## (.+)$", (ROOT / "README.md").read_text("utf-8"), re.M))
    assert headings >= {
        "Description",
        "Requirements",
        "Installation",
        "Use cases",
        "Testing",
        "Contributing",
        "Support",
        "Release notes",
        "Related information",
        "License",
    }


def test_the_readme_tells_the_version() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))["version"]
    assert f"| Version | {version} |" in (ROOT / "README.md").read_text("utf-8")


def test_the_image_of_the_server_is_the_same_everywhere() -> None:
    release = re.compile(r"openvino/model_server:(20\d\d[\w.]*)")
    told = {path: set(release.findall(path.read_text(encoding="utf-8"))) for path in TOLD}
    found = {name(path): tags for path, tags in told.items() if tags}
    assert "plugins/modules/model_server.py" in found and "docs/gpu.md" in found
    assert found == dict.fromkeys(found, {DEFAULT_SERVER_IMAGE.rpartition(":")[2]})


def test_the_index_names_every_page() -> None:
    listed = set(LINK.findall((ROOT / "docs" / "README.md").read_text("utf-8")))
    assert {path.name for path in DOCS} - {"README.md"} <= listed


def test_titles_that_people_search_for() -> None:
    titles = {path.read_text("utf-8").partition("\n")[0].removeprefix("# ") for path in DOCS}
    assert titles >= {
        "Chart and operator parity",
        "Day 2",
        "Delta uploads",
        "Glossary",
        "Ingress and TLS",
        "Retention, audit and repair",
        "Scaling, rollout and probes",
        "Signing",
        "Troubleshooting",
    }


def examples() -> Iterator[Any]:
    """Yield page, module and options of each task in the YAML of the pages."""
    for path in PAGES:
        for block in re.findall(r"^```yaml\n(.*?)^```$", path.read_text("utf-8"), re.M | re.S):
            for module, options in tasks(yaml.safe_load(textwrap.dedent(block))):
                yield pytest.param(module, options, id=f"{name(path)}:{module}")


def tasks(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield modules of ours and their options, however deep a block nests them."""
    if isinstance(data, list):
        for item in data:
            yield from tasks(item)
    elif isinstance(data, dict):
        for key, value in data.items():
            if str(key).startswith("openvino.edge.") and isinstance(value, dict):
                yield key.rpartition(".")[2], value
            else:
                yield from tasks(value)


@pytest.mark.parametrize(("module", "options"), list(examples()))
def test_the_module_takes_the_options_of_the_example(module: str, options: Any) -> None:
    found = importlib.import_module(f"ansible_collections.openvino.edge.plugins.modules.{module}")
    spec = found.ARGUMENT_SPEC
    given = {key: value for key, value in GIVEN.items() if spec.get(key, {}).get("required")}
    # A template stands for a value of any type.
    plain = {key: value for key, value in options.items() if "{{" not in str(value)}
    assert set(options) <= set(spec), sorted(set(options) - set(spec))
    result = ModuleArgumentSpecValidator(spec).validate({**given, **plain})
    unknown = [text for text in result.error_messages if "missing required" not in text]
    assert unknown == []


PAGES_WITH_COMMANDS = (
    "README.md",
    "docs/audit.md",
    "docs/day-2.md",
    "docs/rollback.md",
    "docs/troubleshooting.md",
    "docs/waves.md",
)


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS)
def test_sections_with_commands_are_followed_by_a_test(page: str) -> None:
    tests = (ROOT / "tests" / "integration" / "readme").glob("*.py")
    code = "".join(path.read_text("utf-8") for path in tests)
    heading, told = "", set()
    for line in (ROOT / page).read_text("utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith(("```sh", "```yaml")):
            told.add(heading)
    assert told and {heading for heading in told if f'"{heading}"' not in code} == set()


def test_hooks_are_the_steps_of_lint() -> None:
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    hooks = repo["hooks"]
    assert [hook["id"] for hook in hooks] == [step.name for step in steps.LINT]
    assert [hook["entry"] for hook in hooks] == [f"tools/suite {step.name}" for step in steps.LINT]
    assert all("pre-push" in hook["stages"] for hook in hooks)


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml")), ids=name)
def test_issue_forms_are_well_formed(path: Path) -> None:
    form = yaml.safe_load(path.read_text("utf-8"))
    if path.stem == "config":
        assert {"name", "url", "about"} == set(form["contact_links"][0])
        return
    assert {"name", "description", "labels", "body"} == set(form)
    ids = [item["id"] for item in form["body"]]
    assert len(ids) == len(set(ids)) and all(item["attributes"]["label"] for item in form["body"])
