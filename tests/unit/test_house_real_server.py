# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests on another server than the stand-in: what is not run there, and never as a pass."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INTEGRATION = ROOT / "tests" / "integration"
sys.path.insert(0, str(ROOT / "tools"))

import main_job  # noqa: E402
import suite  # noqa: E402

# What only the stand-in has: its other release, its interpreter, graphs that are names, its knobs.
LEANS = ("ovms-standin:", "*PYTHON", "GRAPH", "**ALL", "ALL[", "OVMS_STANDIN_", "standin/digests")


def each_test(text: str) -> Iterator[tuple[str, str, bool]]:
    """Give the name of each test, its source, and whether it bears the marker with a reason."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            body = ast.get_source_segment(text, node) or ""
            marked = any(
                mark.startswith(("pytest.mark.standin('", 'pytest.mark.standin("'))
                for mark in marks
            )
            yield node.name, body, marked


def unmarked(text: str) -> list[str]:
    """Name the tests that lean on the stand-in and do not say so."""
    return [
        name
        for name, body, marked in each_test(text)
        if not marked and any(word in body for word in LEANS)
    ]


# What tells the tools which server to run on which clusters.
NAMES = ("EDGE_OVMS_IMAGE", "EDGE_OVMS_RELEASE", "EDGE_SERVER_IMAGE", "EDGE_KUBECONFIG")
# It makes no server: it only writes a configuration.
WITHOUT_A_SERVER = {"test_model_config_as_module_and_in_the_worker"}


def test_what_leans_on_the_stand_in_is_marked() -> None:
    files = [path.read_text(encoding="utf-8") for path in INTEGRATION.glob("*/test_*.py")]
    found = {name for text in files for name in unmarked(text)}
    assert found == WITHOUT_A_SERVER
    assert sum(marked for text in files for _name, _body, marked in each_test(text)) >= 10


def test_a_test_without_the_marker_is_found() -> None:
    plain = "def test_a():\n    server.run(image='localhost/ovms-standin:2026.3')\n"
    assert unmarked(plain) == ["test_a"]
    assert unmarked(f"@pytest.mark.standin('why')\n{plain}") == []
    assert unmarked(f"@pytest.mark.standin\n{plain}") == ["test_a"]


def run(image: str, words: str, tmp_path: Path, **environment: str) -> "tuple[int, str, Path]":
    """Run two files of the integration tests with another server, and without a cluster."""
    report = tmp_path / "integration.xml"
    files = [
        str(INTEGRATION / "server" / name) for name in ("test_pipeline.py", "test_backends.py")
    ]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("EDGE_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", words, f"--junitxml={report}", *files],
        cwd=ROOT,
        env={**kept, "EDGE_SERVER_IMAGE": image, "EDGE_KUBECONFIG": "/no/cluster", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, report


@pytest.mark.parametrize(
    ("image", "skipped", "failed"),
    [
        ("localhost/ovms-given:2026.3.1", 2, 0),
        ("localhost/ovms-given:2026.2.1", 0, 2),
    ],
)
def test_on_a_real_server_they_are_counted_apart(
    image: str, skipped: int, failed: int, tmp_path: Path
) -> None:
    """The marks of the stand-in always count, those of a release where it is known and newer."""
    status, shown, report = run(image, "library or pipeline_that or test_62", tmp_path)
    outcome = suite.Outcome("integration")
    suite.count(outcome, status, report)
    # Nothing else was run, so the step itself has failed: what is not run is no pass.
    found = (outcome.passed, outcome.skipped, outcome.apart, outcome.failed)
    assert found == (0, skipped, 2, max(failed, 1)), shown
    assert "stand-in only: its graph is a name" in shown


def test_an_archive_alone_is_not_taken_for_a_server(tmp_path: Path) -> None:
    status, shown, _report = run("", "library", tmp_path, EDGE_OVMS_IMAGE="/models/ovms.tar")
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "use make real-server" in shown


@pytest.mark.parametrize(
    ("tool", "environment", "words"),
    [
        ("real-server", {}, "real-server: name the image: EDGE_OVMS_IMAGE=FILE"),
        ("real-server", {"EDGE_KUBECONFIG": "/site"}, "real-server: name the image"),
        ("real-server", {"EDGE_SERVER_IMAGE": "localhost/ovms-standin:2026.3"}, "is the stand-in"),
        ("real-server", {"EDGE_OVMS_IMAGE": "/no/ovms.tar"}, "no/ovms.tar: there is no such file"),
        ("site", {"EDGE_OVMS_IMAGE": "README.md"}, "/README.md: it is no tar file"),
        ("lab-up", {"EDGE_OVMS_IMAGE": "README.md"}, "/README.md: it is no tar file"),
        (
            "real-server",
            {"EDGE_OVMS_IMAGE": "README.md", "EDGE_KUBECONFIG": "/site"},
            "the cluster of EDGE_KUBECONFIG has to have the image",
        ),
    ],
)
def test_a_bad_image_is_one_error_before_anything_starts(
    tool: str, environment: dict[str, str], words: str, tmp_path: Path
) -> None:
    kept = {key: value for key, value in os.environ.items() if key not in NAMES}
    done = subprocess.run(
        [str(ROOT / "tools" / tool)],
        cwd=ROOT,
        env={**kept, **environment, "EDGE_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""
    assert (
        not (tmp_path / "state" / "lab").exists() and not (tmp_path / "state" / "reports").exists()
    )


def test_the_end_of_the_main_job_tells_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for image, told in (
        ("", main_job.STANDIN),
        ("localhost/ovms-given:2026.3-standin", main_job.STANDIN),
        (
            "localhost/ovms-given:2026.3.1",
            "The server on these clusters is the image localhost/ovms-given:2026.3.1.",
        ),
    ):
        monkeypatch.setenv("EDGE_SERVER_IMAGE", image)
        assert main_job.server() == told


STUBS = {
    "tools/run": """case "$*" in
    *--tar*) echo /cache/given/1.tar ;;
    */given*) echo localhost/ovms-given:2026.3.1 ;;
    esac""",
    "tools/suite": "",
    "tests/testbed/lab/lab": "",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The shell tools, on stubs that write down how they are called."""
    for name in ("lab-up", "real-server", "server-image.sh", "paths.sh"):
        (tmp_path / "tools").mkdir(exist_ok=True)
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools" / name)
    for name, line in STUBS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        log = f'echo "{path.name} $* ${{EDGE_SERVER_IMAGE:-}}" >> {tmp_path}/calls'
        path.write_text(f"#!/bin/sh\n{log}\n{line}\n")
        path.chmod(0o755)
    return tmp_path


def calls(checkout: Path, tool: str, **environment: str) -> list[str]:
    kept = {key: value for key, value in os.environ.items() if key not in NAMES}
    command = [str(checkout / "tools" / tool)]
    places = {"EDGE_CACHE": "/cache", "EDGE_STATE": "/state"}
    done = subprocess.run(
        command, cwd=checkout, env={**kept, **places, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return (checkout / "calls").read_text().splitlines()


def test_an_archive_is_checked_first_and_loaded_last(checkout: Path) -> None:
    given, image = "tests/testbed/images/given", "localhost/ovms-given:2026.3.1"
    assert calls(checkout, "lab-up", EDGE_OVMS_IMAGE="ovms.tar") == [
        f"run {given} {checkout}/ovms.tar ",
        f"lab up {image}",
        f"run tests/testbed/images/build {image}",
        f"lab load-image /cache/images/*.tar {image}",
        f"run {given} --tar {checkout}/ovms.tar {image}",
        f"lab load-image /cache/given/1.tar {image}",
    ]


def test_without_an_archive_the_lab_is_as_ever(checkout: Path) -> None:
    assert not any("given" in line for line in calls(checkout, "lab-up"))


@pytest.mark.parametrize(
    ("environment", "steps"),
    [
        (
            {"EDGE_OVMS_IMAGE": "/ovms.tar"},
            "lab site integration integration-whole localhost/ovms-given:2026.3.1",
        ),
        (
            {"EDGE_KUBECONFIG": "/site", "EDGE_SERVER_IMAGE": "registry.example/ovms:2026.3"},
            "integration integration-whole registry.example/ovms:2026.3",
        ),
    ],
)
def test_real_server_runs_the_steps_on_that_image(
    environment: dict[str, str], steps: str, checkout: Path
) -> None:
    assert calls(checkout, "real-server", **environment)[-1] == f"suite {steps}"
