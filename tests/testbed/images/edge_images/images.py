# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images: which layers make them, and when one has to be built again."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_images import rootfs, wheels
from edge_images.archive import write_tree
from edge_images.cache import image_directory, key_of, key_of_files, locked, remove_others
from edge_images.process import BuildError

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "lab"))

from oci import write_image  # noqa: E402

IMAGES = TESTS / "images"
PROGRAM = TESTS / "standin" / "ovms_standin"
REQUIREMENTS = IMAGES / "requirements.txt"
CLIENT_REQUIREMENTS = IMAGES / "requirements-client.txt"
PACKAGES = f"usr/local/lib/python{rootfs.PYTHON}/dist-packages"
#: OVMS's image: user and group `ovms`, with the groups that own devices (its Dockerfiles).
USER_ID = 5000
DEVICE_GROUPS = {"video": 39, "render": 44}
#: Where the stand-in's interpreter hides: OVMS's image has no Python and no tar.
INTERPRETER = f"usr/libexec/ovms/python{rootfs.PYTHON}"
HIDDEN = ("usr/bin/python3", f"usr/bin/python{rootfs.PYTHON}", "usr/bin/tar", "usr/bin/pydoc3")
PYTHON_IMAGE = f"localhost/edge-python:{rootfs.PYTHON}"
CLIENT_IMAGE = f"localhost/edge-client:{rootfs.PYTHON}"
STANDIN_IMAGES = {
    f"localhost/ovms-standin:{generation}": generation for generation in ("2026.2", "2026.3")
}
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Builder:
    """Builds layers and images below `directory`; what is there already is kept."""

    directory: Path

    # -- layers ---------------------------------------------------------------------------

    def base_key(self) -> str:
        """Changes with the recipe of the base system."""
        recipe = IMAGES / "edge_images"
        return key_of(*((recipe / name).read_bytes() for name in ("rootfs.py", "archive.py")))

    def packages_key(self, requirements: Path) -> str:
        """Changes with the pinned wheels and how they are cut."""
        recipe = (IMAGES / "edge_images" / "wheels.py").read_bytes()
        return key_of(self.base_key(), recipe, requirements.read_bytes())

    def program_key(self) -> str:
        """Changes with the stand-in's code."""
        recipe = Path(__file__).read_bytes()
        return key_of(self.base_key(), recipe, key_of_files(PROGRAM, list(PROGRAM.glob("*.py"))))

    def _layer(self, name: str, key: str) -> Path:
        return self.directory / "layers" / f"{name}-{key}.tar"

    def _rootfs(self) -> Path:
        """The base system as a directory: layers above it are compiled inside it."""
        root = self.directory / f"rootfs-{self.base_key()}"
        if root.exists():
            return root
        partial = self.directory / "rootfs.partial"
        shutil.rmtree(partial, ignore_errors=True)
        rootfs.make_rootfs(partial)
        for old in self.directory.glob("rootfs-*"):
            shutil.rmtree(old)
        partial.rename(root)
        return root

    def base_layer(self) -> Path:
        """The system with Python."""
        layer = self._layer("base", self.base_key())
        if not layer.exists():
            print("base layer", flush=True)
            write_tree(layer, self._rootfs())
            remove_others(layer.parent, "base-*.tar", layer)
        return layer

    def packages_layer(self) -> Path:
        """The wheels of the stand-in."""
        return self._wheels("packages", REQUIREMENTS, wheels.REMOVED)

    def client_layer(self) -> Path:
        """The wheels of a client."""
        return self._wheels("client", CLIENT_REQUIREMENTS, wheels.REMOVED_OF_CLIENT)

    def _wheels(self, name: str, requirements: Path, removed: Sequence[str]) -> Path:
        layer = self._layer(name, self.packages_key(requirements))
        if not layer.exists():
            print(f"{name} layer", flush=True)
            with self._scratch() as (root, inside):
                wheels.install(requirements, inside / PACKAGES, removed)
                rootfs.compile_python(root, str((inside / PACKAGES).relative_to(root)))
                _make_readable(inside)
                write_tree(layer, inside, [PACKAGES])
            remove_others(layer.parent, f"{name}-*.tar", layer)
        return layer

    def program_layer(self) -> Path:
        """The stand-in, its interpreter, its user."""
        layer = self._layer("program", self.program_key())
        if not layer.exists():
            print("program layer", flush=True)
            with self._scratch() as (root, inside):
                _lay_out_program(root, inside)
                rootfs.compile_python(root, str((inside / "ovms/lib").relative_to(root)))
                _make_readable(inside)
                tops = ["ovms", INTERPRETER, "etc/passwd", "etc/group", "models"]
                write_tree(layer, inside, tops, HIDDEN)
            remove_others(layer.parent, "program-*.tar", layer)
        return layer

    def _scratch(self) -> _Scratch:
        return _Scratch(self._rootfs())

    # -- images ---------------------------------------------------------------------------

    def image(
        self, reference: str, layers: Sequence[Path], config: Mapping[str, Any]
    ) -> dict[str, str]:
        """Write one image unless it is there; what the index says of it."""
        recipe = json.dumps(config, sort_keys=True)
        key = key_of(reference, recipe, *(layer.name for layer in layers))
        name = reference.rsplit("/", 1)[1].replace(":", "-")
        tar = self.directory / f"{name}.tar"
        known = _read_index(self.directory).get(reference, {})
        if known.get("key") == key and tar.exists():
            print(f"{reference}: up to date, {tar}", flush=True)
            return known
        digest = write_image(tar, reference, layers, config)
        print(f"{reference}: built, {tar} ({tar.stat().st_size >> 20} MiB)", flush=True)
        return {"key": key, "tar": str(tar), "digest": digest}

    def build(self, wanted: Sequence[str]) -> None:
        """Build the images of these references. Raises BuildError, OSError."""
        with locked(self.directory):
            index = _read_index(self.directory)
            for reference in wanted:
                index[reference] = self._build_one(reference)
                text = json.dumps(index, indent=1, sort_keys=True) + "\n"
                (self.directory / "index.json").write_text(text)

    def _build_one(self, reference: str) -> dict[str, str]:
        if reference in (PYTHON_IMAGE, CLIENT_IMAGE):
            config: dict[str, Any] = {"Env": [_PATH, "LC_ALL=C.UTF-8"], "Cmd": ["python3"]}
            more = [self.client_layer()] if reference == CLIENT_IMAGE else []
            return self.image(reference, [self.base_layer(), *more], config)
        layers = [self.base_layer(), self.packages_layer(), self.program_layer()]
        config = {
            "User": f"{USER_ID}:{USER_ID}",
            "Entrypoint": ["/ovms/bin/ovms"],
            "Env": [
                _PATH,
                "LC_ALL=C.UTF-8",
                "PYTHONDONTWRITEBYTECODE=1",
                f"OVMS_STANDIN_GENERATION={STANDIN_IMAGES[reference]}",
            ],
            "Labels": {"org.opencontainers.image.description": "stand-in for OVMS, tests only"},
        }
        return self.image(reference, layers, config)


class _Scratch:
    """A new directory inside the base system, gone afterwards."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._directory = tempfile.TemporaryDirectory(dir=root / "tmp", prefix="build-")

    def __enter__(self) -> tuple[Path, Path]:
        return self._root, Path(self._directory.name)

    def __exit__(self, *_: object) -> None:
        self._directory.cleanup()


def _read_index(directory: Path) -> dict[str, dict[str, str]]:
    try:
        found = json.loads((directory / "index.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _lay_out_program(root: Path, inside: Path) -> None:
    package = inside / "ovms/lib/ovms_standin"
    package.mkdir(parents=True)
    for path in PROGRAM.glob("*.py"):
        shutil.copy(path, package)
    start = inside / "ovms/bin/ovms"
    start.parent.mkdir()
    start.write_text(
        f"#!/{INTERPRETER} -s\n"
        "import sys\n"
        'sys.path.insert(0, "/ovms/lib")\n'
        "from ovms_standin.server import run\n"
        "run()\n"
    )
    start.chmod(0o755)
    interpreter = inside / INTERPRETER
    interpreter.parent.mkdir(parents=True)
    shutil.copy(root / f"usr/bin/python{rootfs.PYTHON}", interpreter)
    (inside / "models").mkdir()
    _add_user(root, inside)


def _add_user(root: Path, inside: Path) -> None:
    """The user as OVMS's image has it; groups of Debian with the same number keep their names."""
    (inside / "etc").mkdir()
    user = f"ovms:x:{USER_ID}:{USER_ID}::/home/ovms:/bin/bash\n"
    (inside / "etc/passwd").write_text((root / "etc/passwd").read_text() + user)
    lines = [
        line
        for line in (root / "etc/group").read_text().splitlines()
        if int(line.split(":")[2]) not in DEVICE_GROUPS.values()
    ]
    lines += [f"ovms:x:{USER_ID}:"]
    lines += [f"ovms-{name}:x:{number}:ovms" for name, number in DEVICE_GROUPS.items()]
    (inside / "etc/group").write_text("\n".join(lines) + "\n")


def _make_readable(directory: Path) -> None:
    """Whatever the umask of the build: readable by the image's user."""
    for path in [directory, *directory.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode & 0o777
            searchable = 0o111 if path.is_dir() or mode & 0o100 else 0
            path.chmod(mode | 0o444 | searchable)


def main(arguments: Sequence[str]) -> int:
    """Build all images, or those named; 0 when they are there."""
    known = [PYTHON_IMAGE, CLIENT_IMAGE, *STANDIN_IMAGES]
    unknown = [name for name in arguments if name not in known]
    if unknown:
        print(f"no such image: {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    try:
        Builder(image_directory()).build(arguments or known)
    except (BuildError, OSError) as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    return 0
