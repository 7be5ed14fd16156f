# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts an odd file system on this machine (root), and runs pytest with its directories on it.

mounted.py VOLUME [PYTEST ARGUMENT...]
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import fuse  # noqa: E402
from odd import VOLUMES, Ways  # noqa: E402

TREE = HERE.parents[2]
MEMORY = Path("/dev/shm")


def can_mount() -> bool:
    """Return whether this machine and user can mount one."""
    return os.geteuid() == 0 and os.path.exists("/dev/fuse")


class Mounted:
    """A mounted odd file system; C(path) is where, C(behind) what it shows.

    Args:
        folder: an empty directory for all of it.
        elsewhere: a process, and a directory among its mounts: where else than in C(folder).
    """

    def __init__(self, folder: Path, elsewhere: tuple[int, str] | None = None) -> None:
        self.path, self.behind = folder / "volume", folder / "behind"
        self._elsewhere = elsewhere
        self._given = folder / "ways"
        self._process: subprocess.Popen[str] | None = None

    def change(self, ways: Ways) -> None:
        """From now on it does this."""
        fresh = self._given.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(ways)))
        fresh.rename(self._given)

    def start(self, ways: Ways) -> None:
        """Mount it."""
        self.change(ways)
        self.path.mkdir(exist_ok=True)
        self.behind.mkdir(exist_ok=True)
        process, target = self._elsewhere or (0, str(self.path))
        argv = [sys.executable, "-B", str(HERE / "odd.py"), str(self.behind), target]
        argv += [str(self._given), str(process)]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "mounted\n":
            raise RuntimeError("the file system could not be mounted")

    def stop(self) -> None:
        """Take it away."""
        process, target = self._elsewhere or (0, str(self.path))
        if process:  # this one may have threads, and cannot go there itself
            argv = ["nsenter", "-t", str(process), "-m", "umount", "-l", target]
            subprocess.run(argv, check=False)
        else:
            fuse.unmount(target)
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def mounted(ways: Ways) -> Iterator[Mounted]:
    """Mount a file system with these ways; its files are in memory where they can be."""
    base = MEMORY if os.access(MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="edge-odd-", dir=base))
    folder.chmod(0o755)
    volume = Mounted(folder)
    try:
        volume.start(ways)
        yield volume
    finally:
        volume.stop()
        shutil.rmtree(folder, ignore_errors=True)


def on_volume(volume: str, arguments: list[str], seconds: float, out: IO[str] | None = None) -> int:
    """Run pytest with its directories on a volume; return its exit status.

    Args:
        volume: one of C(VOLUMES).
        arguments: of pytest.
        seconds: it may take.
        out: where it says what it says; else that of this process.
    """
    with mounted(VOLUMES[volume]) as odd:
        argv = [sys.executable, "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider"]
        argv += [f"--basetemp={odd.path}/t", *arguments]
        env = {**os.environ, "PYTHONPATH": f"{TREE}/collections", "EDGE_VOLUME": volume}
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        done = subprocess.run(
            argv,
            cwd=TREE,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT if out else None,
            timeout=seconds,
            check=False,
        )
    return done.returncode


def main() -> None:
    """Run what the command line says."""
    if len(sys.argv) < 2 or sys.argv[1] not in VOLUMES:
        sys.exit(f"usage: mounted.py {{{','.join(VOLUMES)}}} [PYTEST ARGUMENT...]")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the mount goes
    sys.exit(on_volume(sys.argv[1], sys.argv[2:], 3600))


if __name__ == "__main__":
    main()
