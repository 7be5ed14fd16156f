"""Run the main job on an inventory, then let every replica read the words of a picture."""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Sequence

ROOT = Path(__file__).resolve().parent.parent
LAB_INVENTORY = "inventories/lab"
STANDIN = (
    "The server on these clusters is the OVMS stand-in of tests/testbed/standin, not OVMS itself."
)
OTHER = "The server on these clusters is the image {image}."
RECAP = re.compile(
    r"^(?P<host>\S+)\s+: ok=\d+\s+changed=(?P<changed>\d+)\s+unreachable=(?P<unreachable>\d+)"
    r"\s+failed=(?P<failed>\d+)"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class SiteError(Exception):
    """A part of the job did not do what it has to."""


def stream(command: Sequence[str]) -> list[str]:
    """Run a command, show its output at once, and return its lines.

    Raises:
        SiteError: it ended with another status than 0.
    """
    print(f"$ {' '.join(command)}", flush=True)
    lines = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(COLOUR.sub("", line.rstrip("\n")))
    if process.returncode:
        raise SiteError(f"{command[0]} ended with status {process.returncode}")
    return lines


def changes(lines: Sequence[str]) -> dict[str, int]:
    """Return the number of changed tasks of each host from the recap of a play.

    Raises:
        SiteError: no recap, or a host that failed or was not reached.
    """
    found = {}
    for line in lines:
        match = RECAP.match(line)
        if match:
            if match["unreachable"] != "0" or match["failed"] != "0":
                raise SiteError(f"{match['host']} failed")
            found[match["host"]] = int(match["changed"])
    if not found:
        raise SiteError("the play had no hosts")
    return found


def shown(lines: Sequence[str], task: str) -> list[str]:
    """Return the lines that a task of a play has shown, without the play's own words."""
    found, inside = [], False
    for line in lines:
        if line.startswith(("TASK [", "PLAY ")):
            inside = f"[{task}]" in line
        elif inside and line.strip() and not re.match(r"(ok: |\s+(msg|clusters|replicas):)", line):
            found.append(line.strip().removeprefix("- ").strip("'"))
    return found


def run(inventory: str, unchanged: bool) -> list[str]:
    """Do the job and return what there is to see at its end.

    Raises:
        SiteError: a part failed, or something changed although nothing should.
    """
    repository = stream([sys.executable, "tests/testbed/ocr/make_repository.py"])[-1]
    begun = time.monotonic()
    job = stream(["ansible-playbook", "site.yml", "-i", inventory])
    seconds = time.monotonic() - begun
    changed = changes(job)
    if unchanged and any(changed.values()):
        raise SiteError(f"the second run changed something: {changed}")
    seed = random.SystemRandom().randrange(10**6)
    inference = stream(
        [
            *("ansible-playbook", "tests/testbed/site/read_text.yml", "-i", inventory),
            *("-e", f"read_text_seed={seed}", "-e", f"read_text_repository={repository}"),
        ]
    )
    changes(inference)
    words = ", ".join(f"{host} changed={number}" for host, number in changed.items())
    return [
        *shown(job, "Show what the fleet serves"),
        "TEXT READ FROM A PICTURE DRAWN FOR THIS RUN",
        *shown(inference, "Show what was read"),
        f"{len(changed)} clusters in {seconds:.1f} s: {words}",
        *([server()] if inventory == LAB_INVENTORY else []),
    ]


def server() -> str:
    """Tell which server the clusters of the lab ran; a given stand-in has that word in its tag."""
    image = os.environ.get("EDGE_SERVER_IMAGE", "")
    return OTHER.format(image=image) if image and "standin" not in image else STANDIN


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unchanged", action="store_true", help="a change is a failure")
    options = parser.parse_args()
    try:
        end = run(os.environ.get("EDGE_INVENTORY", LAB_INVENTORY), options.unchanged)
        print("\n" + "\n".join(end), flush=True)
    except SiteError as error:
        print(f"site: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
