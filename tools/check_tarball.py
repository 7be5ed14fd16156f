"""Check that a collection tarball holds what users need and nothing that only tests need."""

from __future__ import annotations

import sys
import tarfile

SHIPPED = (
    "CHANGELOG.rst",
    "LICENSE",
    "README.md",
    "bindep.txt",
    "changelogs",
    "docs",
    "inventories",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "roles",
)
GENERATED = ("FILES.json", "MANIFEST.json")
OPTIONAL = (
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSES",
    "SECURITY.md",
)
# Ours is text only, 4 MB unpacked: much more means that something else came in (Galaxy takes 20 MB,
# packed).
LIMIT_BYTES = 6 * 1024 * 1024


def problems(names: list[str], size: int) -> list[str]:
    """Return what is wrong with the member names and the packed size in bytes; empty when fine."""
    tops = {name.split("/", 1)[0] for name in names}
    found = [f"{top}: must ship but is missing" for top in SHIPPED if top not in tops]
    allowed = {*SHIPPED, *GENERATED, *OPTIONAL}
    found += [f"{top}: must not ship" for top in sorted(tops - allowed)]
    found += [f"{name}: test code" for name in names if is_test_code(name)]
    if size > LIMIT_BYTES:
        found.append(f"{size} bytes, more than {LIMIT_BYTES}")
    return found


def is_test_code(name: str) -> bool:
    """Tell whether a member is there for tests or for the lab only."""
    parts = name.split("/")
    return any(part in {"tests", "molecule", "lab", "standin", "__pycache__"} for part in parts)


def main(path: str) -> int:
    """Print the problems of one tarball and return the exit status."""
    with tarfile.open(path) as tar:
        members = tar.getmembers()
    names = [member.name for member in members]
    found = problems(names, sum(member.size for member in members))
    for problem in found:
        print(f"check_tarball: {problem}")
    print(f"check_tarball: {len(names)} members, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
