"""The steps of `make lint` and `make test`: one table, so that both run the same commands."""

from __future__ import annotations

from dataclasses import dataclass

PYTEST = ("python", "-m", "pytest", "-q")
# The tests against clusters mostly wait, so there are more workers than processors; each file stays
# on one worker.
SIDE_BY_SIDE = ("-n", "3", "--dist", "loadfile")
LAB = ("lab",)
ENGINE = "ansible_collections.openvino.edge.plugins"


@dataclass(frozen=True)
class Step:
    """One command; ``pytest`` steps get a JUnit report and count with each test.

    ``needs`` are steps without whose success this one would tell nothing.
    """

    name: str
    text: str
    argv: tuple[str, ...]
    pytest: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Steps that belong together; ``parallel`` ones share nothing and run side by side."""

    steps: tuple[str, ...]
    parallel: bool = False


LINT = (
    Step("ansible-lint", "production profile", ("ansible-lint", "--offline", "-q", "--nocolor")),
    Step("mypy", "strict types of the engine", ("mypy", "-p", ENGINE)),
    Step("mypy-tests", "strict types of the tests and the tools", ("sh", "tools/mypy-tests")),
    Step("ruff", "Python rules", ("ruff", "check", "--quiet", ".")),
    Step("ruff-format", "Python layout", ("ruff", "format", "--check", "--quiet", "--diff", ".")),
    Step("imports", "who may import what", ("lint-imports", "--no-cache", "--no-logo")),
    Step("yamllint", "YAML rules", ("yamllint", "--strict", ".")),
    Step("shellcheck", "shell scripts", ("sh", "tools/shellcheck")),
    Step("changelog", "changelog fragments", ("antsibull-changelog", "lint")),
    Step(
        "docs-lint",
        "module and role documentation",
        (
            "antsibull-docs",
            "lint-collection-docs",
            "--plugin-docs",
            "--validate-collection-refs=self",
            ".",
        ),
    ),
    Step("ee", "execution environment metadata", ("sh", "tools/check-ee")),
    Step(
        "parity",
        "docs/parity.md is up to date, the tests it names exist",
        ("python", "tools/parity.py", "--check"),
    ),
    Step(
        "troubleshooting",
        "docs/troubleshooting.md has every kind of error and is up to date",
        ("python", "tools/troubleshooting.py", "--check"),
    ),
    Step(
        "variables",
        "docs/variables.md has every edge_* variable and is up to date",
        ("python", "tools/variables.py", "--check"),
    ),
    Step("house", "folders, circles and functions of the engine", ("python", "tools/house.py")),
    Step("tree", "sizes, headers, foreign names", ("python", "tools/check_tree.py")),
)

OTHERS = (
    Step(
        "unit",
        "pure functions and scripted protocols",
        (*PYTEST, "-n", "2", "tests/unit"),
        pytest=True,
    ),
    Step(
        "standin",
        "the stand-in against foreign clients",
        (*PYTEST, "tests/testbed/standin", "tests/testbed/images"),
        pytest=True,
    ),
    Step("sanity", "ansible-test sanity, newest core", ("sh", "tools/sanity", "2.21")),
    Step("sanity-oldest", "ansible-test sanity, oldest core", ("sh", "tools/sanity", "2.16")),
    Step("importer", "galaxy-importer on the tarball", ("sh", "tools/check-importer")),
    Step("lab", "clusters up, images loaded", ("sh", "tools/lab-up")),
    Step(
        "lab-tests",
        "what the clusters promise",
        (*PYTEST, "tests/testbed/lab"),
        pytest=True,
        needs=LAB,
    ),
    Step(
        "integration",
        "against the clusters, without the long ones",
        (*PYTEST, *SIDE_BY_SIDE, "-m", "not whole", "tests/integration"),
        pytest=True,
        needs=LAB,
    ),
    Step(
        "integration-whole",
        "against the clusters, the long ones",
        (*PYTEST, *SIDE_BY_SIDE, "-m", "whole", "tests/integration"),
        pytest=True,
        needs=LAB,
    ),
    Step("site", "the main job, with one real inference each", ("sh", "tools/site"), needs=LAB),
    Step(
        "site-again",
        "the main job again: nothing changes",
        ("sh", "tools/site", "--unchanged"),
        needs=("site",),
    ),
    Step("molecule", "scenarios", ("sh", "tools/molecule"), needs=LAB),
    Step(
        "bench-repository",
        "copies against the peers, a sample; no time is asserted",
        ("env", "QUICK=1", "sh", "tools/bench-repository"),
        needs=LAB,
    ),
    Step(
        "faults",
        "a sample of nearly every fault, on a cluster of its own",
        ("env", "QUICK=1", "sh", "tools/faults"),
    ),
    Step("lab-down", "end the clusters, leave nothing", ("tests/testbed/lab/lab", "down")),
)

STEPS = {step.name: step for step in (*LINT, *OTHERS)}
GROUPS = {
    "lint": Group(tuple(step.name for step in LINT), parallel=True),
    "offline": Group(("unit", "standin")),
    "shipped": Group(("sanity-oldest", "sanity", "importer"), parallel=True),
    "clusters": Group(
        (
            "lab",
            "site",
            "site-again",
            "integration",
            "lab-tests",
            "molecule",
            "bench-repository",
            "faults",
        )
    ),
}
