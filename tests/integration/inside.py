# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place from which clients that nobody here wrote ask a server as a pod does.

The programs are those of the test's environment, since no image has them. They run in the network
of a node of the lab, from where the addresses of Services and pods are reached, and find names with
the C(resolv.conf) of a pod, so by the cluster's own DNS.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LAB = Path(__file__).resolve().parents[1] / "testbed" / "lab" / "lab"
# Mounts are private to the program, and end with it.
ENTER = """\
files=$1; shift
mount --bind "$files/resolv.conf" /etc/resolv.conf
mount --bind "$files/hosts" /etc/hosts
cd "$files"
exec "$@"
"""
# The texts are run as they are, one after the other.
RUN = """\
import contextlib, io, json, pathlib
said = []
for text in json.loads(pathlib.Path("programs.json").read_text()):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(text, "call", "exec"), {})
    said.append(output.getvalue())
pathlib.Path("said.json").write_text(json.dumps(said))
"""
# Ends once somebody listens there; the first 20 s are for programs that have to start.
REACHED = """\
import socket, sys, time
last = time.monotonic() + 20
while True:
    try:
        socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()
        break
    except ConnectionRefusedError:
        if time.monotonic() > last:
            raise
        time.sleep(0.1)
"""


@dataclass
class Inside:
    """A directory, and the network of a node.

    Attributes:
        node: machine of the lab.
        home: of the programs; files that they name lie here.
        variables: of their environment.
    """

    node: str
    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def prepare(self, resolv_conf: str, hosts: Mapping[str, str]) -> None:
        """Write how names are found: C(hosts) by name, all others as a pod finds them."""
        lines = [f"{address} {name}" for name, address in hosts.items()]
        (self.home / "resolv.conf").write_text(resolv_conf, encoding="ascii")
        (self.home / "hosts").write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))

    def command(self, *words: str) -> list[str]:
        """Return the command that runs C(words) there."""
        enter = [str(LAB), "exec", self.node, "--", "unshare", "-m", "sh", "-euc", ENTER, "sh"]
        settings = [f"{key}={value}" for key, value in self.variables.items()]
        path = "PATH=/usr/local/bin:/usr/bin:/bin"
        return [*enter, str(self.home), "env", "-i", path, *settings, *words]

    def run(self, *words: str) -> str:
        """Run a command that has to succeed; return what it printed, errors as well."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=120, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{words}\n{said}"
        return said

    def sh(self, line: str) -> str:
        """Run a line of a shell."""
        return self.run("sh", "-euc", line)

    def python(self, programs: Sequence[str]) -> list[str]:
        """Run programs with this interpreter, one after the other; return what each printed."""
        (self.home / "programs.json").write_text(json.dumps(list(programs)))
        self.run(sys.executable, "-c", RUN)
        said: list[str] = json.loads((self.home / "said.json").read_text())
        return said

    @contextmanager
    def forwarded(self, listen: str, port: int, target: str) -> Iterator[None]:
        """Pass connections to one address of the node's loopback on to another."""
        relay = ["socat", f"TCP-LISTEN:{port},bind={listen},fork,reuseaddr", f"TCP:{target}"]
        with subprocess.Popen(self.command("setpriv", "--pdeathsig", "TERM", *relay)) as process:
            try:
                # It listens only once it has entered the node.
                self.run(sys.executable, "-c", REACHED, listen, str(port))
                yield
            finally:
                process.terminate()
