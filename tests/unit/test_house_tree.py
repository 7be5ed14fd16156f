# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the checkout and of the tarball find what they are for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import check_tarball  # noqa: E402
import check_tree  # noqa: E402


@pytest.mark.parametrize(
    "line",
    [
        "src: /ro" + "ot/models",
        "cd /wo" + "rk/main",
        "/ho" + "me/someone/x",
        "--index-url " + "https://mirror.example/simple",
    ],
)
def test_names_of_one_machine_are_found(line: str) -> None:
    assert list(check_tree.check_text(Path("docs/a.md"), f"fine\n{line}\n"))


@pytest.mark.parametrize("line", ["/var/work/x", "a/root/b", "https://pypi.org/project/uv/"])
def test_harmless_names_pass(line: str) -> None:
    assert not list(check_tree.check_text(Path("docs/a.md"), line))


def test_long_functions_and_missing_headers_are_found() -> None:
    body = "".join(f"    x = {number}\n" for number in range(check_tree.MAX_FUNCTION_LINES + 1))
    found = list(check_tree.check_python(Path("plugins/modules/x.py"), f"def f():\n{body}"))
    assert any("f has" in problem for problem in found)
    assert any("licence header" in problem for problem in found)


def test_init_files_of_plugins_are_empty() -> None:
    assert list(check_tree.check_plugin(Path("plugins/module_utils/__init__.py"), "x = 1\n"))
    assert not list(check_tree.check_plugin(Path("plugins/module_utils/__init__.py"), ""))


def test_binary_files_and_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"a\0b")
    (tmp_path / "link").symlink_to("blob")
    names = [Path("blob"), Path("link")]
    found = [problem for name in names for problem in check_tree.check_file(tmp_path, name)]
    assert len(found) == 2


def test_the_map_of_the_tests_names_every_folder() -> None:
    text = (ROOT / "tests" / "README.md").read_text()
    paths = [path.parts for path in check_tree.tracked(ROOT) if path.parts[0] == "tests"]
    tops = {parts[1] for parts in paths}
    assert tops == {"unit", "integration", "testbed", "config.yml", "README.md"}
    products = {"/".join(parts[1:3]) for parts in paths if parts[1] == "testbed"}
    assert products
    for name in ("unit", "integration", *products):
        assert f"[`{name}`]({name}" in text, name
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / "tests" / link).exists(), link


def test_tarball_with_test_code_or_without_roles_is_refused() -> None:
    names = [*check_tarball.SHIPPED, *check_tarball.GENERATED]
    assert not check_tarball.problems(names, 1000)
    assert check_tarball.problems([*names, "plugins/tests/x.py"], 1000)
    assert check_tarball.problems([*names, "Makefile"], 1000)
    assert check_tarball.problems([name for name in names if name != "roles"], 1000)
    assert check_tarball.problems(names, check_tarball.LIMIT_BYTES + 1)


def fake_python(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def find_python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)}
    command = [str(ROOT / "tools" / "find-python"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_find_python_runs_what_it_finds(tmp_path: Path) -> None:
    fake_python(tmp_path, "python3.99", "echo broken shim >&2; exit 127")
    done = find_python(tmp_path, "3.99")
    assert done.returncode == 1
    assert "no usable Python of version 3.99" in done.stderr
    assert "EDGE_PYTHON" in done.stderr


def test_find_python_never_takes_another_version(tmp_path: Path) -> None:
    real = f"{sys.version_info[0]}.{sys.version_info[1]}"
    base = os.path.realpath(os.path.join(sys.base_prefix, "bin", f"python{real}"))
    fake_python(tmp_path, "python3.99", f'exec "{base}" "$@"')
    assert find_python(tmp_path, "3.99").returncode == 1
    fake_python(tmp_path, f"python{real}", f'exec "{base}" "$@"')
    assert find_python(tmp_path, real).stdout.strip().startswith("/")


def test_kubernetes_36_is_excluded() -> None:
    """Its releases send no token with C(api_key), or none without the word Bearer (case 55)."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith("kubernetes")]
    assert "!=36.0.*" in line
