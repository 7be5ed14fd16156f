# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller machine of its own: a network namespace on the cluster's bridge.

Everything here ends with the process that made it, also when that is killed: the namespace lives
as long as its holder, the holder dies with its parent, and links and rules die with the namespace.
Only rules inside the cluster's control machine outlive it: they are in one table of a fixed name,
which is removed before and after every use, and with the cluster.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge_lab import machine
from edge_lab.plan import API_PORT, Cluster

HERE = Path(__file__).resolve().parent
FIRST_HOST = 200
AGENT_PORT = 8099
# Where a kubelet takes the streams of exec (k8s.io/kubernetes, pkg/cluster/ports).
KUBELET_PORT = 10250
# 127.0.0.1 as /proc/net/tcp writes it: by this address a kubelet hands such a stream on.
LOOPBACK = "0100007F:"
TABLE = "edge-faults"
PR_SET_PDEATHSIG = 1
#: What no queue shows: the API server's copy buffers (net/http/httputil: 32 KiB each way), one TLS
#: record and what a program holds between reading from its socket and writing to the store.
UNSEEN_BYTES = 1 << 20


def die_with_parent() -> None:
    """In a child: be killed when the parent ends, however it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def run(argv: Sequence[str], stdin: str | None = None) -> str:
    """Run a command and return what it printed; RuntimeError with its words when it fails."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


@dataclass
class ControllerNet:
    """The network of one controller; C(number) makes its address and names."""

    cluster: Cluster
    number: int
    rate: str = "160mbit"
    holder: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    relay: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Its address on the cluster's bridge."""
        return f"{self.cluster.gateway.rpartition('.')[0]}.{FIRST_HOST + self.number}"

    @property
    def link(self) -> str:
        """The link's end on this host."""
        return f"edge-f{self.cluster.index}-{self.number}"

    @property
    def pid(self) -> int:
        """The process that holds the namespace."""
        if self.holder is None:
            raise RuntimeError("the controller's network is down")
        return self.holder.pid

    def up(self) -> None:
        """Make the namespace and plug it in, with its upload shaped to C(rate)."""
        self.hold()
        pair = ["ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0"]
        run([*pair, "netns", str(self.pid)])
        run(["ip", "link", "set", self.link, "master", self.cluster.bridge, "up"])
        self._addresses()
        self.shape(self.rate)

    def up_slow(self, delay: float, loss: float, seed: int) -> None:
        """Make the namespace behind a link with a delay (seconds, each way) and loss (0 to 1)."""
        self.hold()
        argv = [sys.executable, str(HERE / "slowlink.py"), str(self.pid), self.link]
        argv += [str(delay), str(loss), str(seed)]
        self.relay = subprocess.Popen(
            argv, preexec_fn=die_with_parent, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        if self.relay.stdout is None or self.relay.stdout.readline() != b"ready\n":
            raise RuntimeError("the slow link does not start")
        run(["ip", "link", "set", self.link, "master", self.cluster.bridge, "up"])
        self._addresses()

    def hold(self) -> None:
        """Start the process that keeps the namespace."""
        subprocess.run(["ip", "link", "delete", self.link], capture_output=True, check=False)
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sleep", "infinity"], preexec_fn=die_with_parent
        )
        own = os.stat("/proc/self/ns/net").st_ino
        end = time.monotonic() + 10
        while os.stat(f"/proc/{self.pid}/ns/net").st_ino == own:
            if time.monotonic() > end:
                raise RuntimeError("no network namespace")
            time.sleep(0.01)

    def _addresses(self) -> None:
        run(self.inside("ip", "link", "set", "lo", "up"))
        run(self.inside("ip", "address", "add", f"{self.address}/24", "dev", "eth0"))
        run(self.inside("ip", "link", "set", "eth0", "up"))

    def shape(self, rate: str) -> None:
        """Limit what the controller sends."""
        shaper = ["tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", rate]
        run(self.inside(*shaper, "burst", "64k", "latency", "20ms"))

    def inside(self, *argv: str) -> list[str]:
        """Return the command that runs C(argv) in the namespace."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *argv]

    def down(self) -> None:
        """End everything in the namespace, and it."""
        if self.holder is not None:
            self.kill_all()
            for process in (self.relay, self.holder):
                if process is not None:
                    process.kill()
                    process.wait()
        self.holder = self.relay = None
        subprocess.run(["ip", "link", "delete", self.link], capture_output=True, check=False)

    # -- looking ------------------------------------------------------------------------------

    def sent(self) -> int:
        """Return the bytes that left the controller so far, headers and repeats included."""
        return self._counter("rx_bytes")

    def received(self) -> int:
        """Return the bytes that came to the controller so far."""
        return self._counter("tx_bytes")

    def _counter(self, name: str) -> int:
        return int(Path(f"/sys/class/net/{self.link}/statistics/{name}").read_text())

    def in_flight(self) -> int:
        """Return the bytes that are in socket buffers between the controller and the store."""
        api, agent = f":{API_PORT:04X}", f":{AGENT_PORT:04X}"
        control = machine.init_pid(self.cluster.control) or 0
        total = _queued(self.pid, remote=api)
        total += _queued(control, local=api) + _queued(control, remote=agent)
        for pid in _helpers(self.cluster):
            total += _queued(pid, local=agent)
        kubelet = f":{KUBELET_PORT:04X}"
        total += _queued(control, remote=kubelet)
        for node in self.cluster.nodes:
            pid = machine.init_pid(node) or 0
            total += _queued(pid, local=kubelet) + _queued(pid, address=LOOPBACK)
        return total + UNSEEN_BYTES

    # -- disturbing ---------------------------------------------------------------------------

    def pids(self) -> list[int]:
        """Return the processes in the namespace, without the harness's own."""
        own = {self.pid, self.relay.pid if self.relay else 0}
        wanted = os.stat(f"/proc/{self.pid}/ns/net").st_ino
        return [pid for pid in _all_pids() if pid not in own and _namespace(pid) == wanted]

    def kill_all(self) -> int:
        """SIGKILL every process of the controller at once, as a lost machine would."""
        count = 0
        for _again in range(20):
            found = self.pids()
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                    count += 1
                except ProcessLookupError:
                    pass
            if not found:
                break
            time.sleep(0.005)
        return count

    @contextmanager
    def rules(self, *rules: str) -> Iterator[Rules]:
        """Filter rules for this controller's packets, in the control machine; taken away after."""
        table = Rules(self.cluster, f"{TABLE}-{self.number}")
        table.apply(rules)
        try:
            yield table
        finally:
            table.remove()


@dataclass
class Rules:
    """One nftables table inside the cluster's control machine."""

    cluster: Cluster
    name: str

    def apply(self, lines: Sequence[str]) -> None:
        """Put the rules in place; those of an earlier call go."""
        text = f"table ip {self.name}\ndelete table ip {self.name}\ntable ip {self.name} {{\n"
        run(self._nft("-f", "-"), text + "\n".join(lines) + "\n}\n")

    def remove(self) -> None:
        """Take the table away; nothing to do is fine."""
        text = f"table ip {self.name}\ndelete table ip {self.name}\n"
        run(self._nft("-f", "-"), text)

    def listing(self) -> str:
        """Return the table with its counters."""
        return run(self._nft("list", "table", "ip", self.name))

    def hits(self) -> int:
        """Return the sum of its packet counters."""
        return sum(map(int, re.findall(r"counter packets (\d+)", self.listing())))

    def _nft(self, *argv: str) -> list[str]:
        return machine.enter(self.cluster.control, ["nft", *argv])


def clear_rules(cluster: Cluster) -> None:
    """Remove the tables that a killed run left in the control machine."""
    listed = run(machine.enter(cluster.control, ["nft", "list", "tables"])).split()
    for name in listed:
        if name.startswith(f"{TABLE}-"):
            Rules(cluster, name).remove()


def cut_rules(address: str, mode: str, after: int = 0) -> list[str]:
    """Return rules that cut a controller off after C(after) more bytes from it.

    C(drop) loses every packet it sends, C(reset) answers each with a TCP reset.
    """
    verdict = "reject with tcp reset" if mode == "reset" else "drop"
    quota = f"quota over {after} bytes " if after else ""
    rules = ["chain in { type filter hook input priority filter;"]
    rules.append(f"ip saddr {address} tcp dport {API_PORT} {quota}counter {verdict}")
    rules.append("}")
    return rules


def flip_rules(match: str, hook: str, bit_offset: int) -> list[str]:
    """Return rules that flip bits of one byte in one large packet that fits C(match)."""
    flip = f"@th,{bit_offset},8 set @th,{bit_offset},8 ^ 0x55"
    large = "ip length > 1200"
    once = "limit rate 1/day burst 1 packets"
    return [
        f"chain flip {{ type filter hook {hook} priority mangle;",
        f"{match} {large} {once} counter {flip}",
        "}",
    ]


def _queued(pid: int, *, local: str = "", remote: str = "", address: str = "") -> int:
    """Return the bytes in the socket queues of a process's namespace.

    C(local) and C(remote) are ports and C(address) a local address, in hexadecimal digits.
    """
    total = 0
    for name in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            fits = (
                (local and words[1].endswith(local))
                or (remote and words[2].endswith(remote))
                or (address and words[1].startswith(address))
            )
            if fits and words[3] != "0A":  # a listener's queues count connections
                sending, _, receiving = words[4].partition(":")
                total += int(sending, 16) + int(receiving, 16)
    return total


def _helpers(cluster: Cluster) -> Iterator[int]:
    """Yield one process per network namespace in which an agent runs."""
    seen: set[int] = set()
    names = {node.name for node in cluster.nodes}
    for pid in _all_pids():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"/agent.py" not in command:
                continue
            group = Path(f"/proc/{pid}/cgroup").read_text()
        except OSError:
            continue
        if any(f"/edge-{name}/" in group for name in names) and _namespace(pid) not in seen:
            seen.add(_namespace(pid))
            yield pid


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _namespace(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return 0
