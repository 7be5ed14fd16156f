# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files over C(pods/exec): for images with bash and coreutils, where the agent cannot run.

Every read on the other side is bounded by a length, so it works with C(v4.channel.k8s.io), which
cannot end stdin; with C(v5) stdin is closed as well. Lengths and hashes are checked on the target.
"""

from __future__ import annotations

import json
import stat
import time
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...errors import ApiError, EdgeError, TransferError, UnreachableError
from ...kube.client import KubeClient
from ...kube.types import ExecResult
from ...kube.wire.exec_stream import V5
from ..content.manifest import FILE_MODE, Manifest
from ..content.state import Facts, Inventory
from ..delta.pack import Block, FileJob, Reader, changed
from . import exec_script as script
from .base import (
    BAD,
    BLOCK,
    DONE,
    Channel,
    Flow,
    Have,
    Interrupted,
    LockPatience,
    Place,
    Staged,
    Target,
    answer_seconds,
    helper_gone,
    refusal,
)
from .helper_job import CONTAINER, RUN_MOUNT

LOCK_POLL = 2.0
SCRIPT = f"{RUN_MOUNT}/{script.NAME}"  # a copy that was checked, see C(choose.START_SCRIPT)
# The container is running a moment before the copy exists.
RUN_SCRIPT = """\
for n in {1..100}; do [[ -e $0 ]] && break; sleep 0.1; done
exec /bin/bash "$0" "$@"
"""
# Exit codes of the script in the words of HTTP, which the two transports share.
STATUS = {
    script.RC_CUT_SHORT: 400,
    script.RC_EXISTS: 409,
    script.RC_NOT_WRITABLE: 500,
    script.RC_CHANGED: 422,
    script.RC_BUSY: 423,
    script.RC_FULL: 507,
}


class ExecChannel(Channel):
    """Runs the script in a helper pod, one exec per command; see C(AgentChannel)."""

    transport = "exec"

    def __init__(
        self,
        client: KubeClient,
        target: Target,
        pod: str,
        root: str,
        shut: Callable[[], None],
        stopped: Callable[[], bool] = lambda: False,
        obituary: Callable[[], str] = str,
    ) -> None:
        super().__init__(target)
        self._obituary = obituary
        self._client, self._pod, self._root = client, pod, root
        self._shut, self._stopped = shut, stopped
        self._owner = ""

    def facts(self) -> Facts:
        """Return free space and rights."""
        return parse_facts(self._tokens(["facts", self._owner]))

    def inventory(self) -> Inventory:
        """Return what is published."""
        tokens = self._tokens(["inventory"], seconds=answer_seconds(0))
        return parse_inventory(tokens, self._root)

    def hashes(self, model: str, version: int, size: int) -> Mapping[str, str]:
        """Read a version on the target."""
        arguments = ["hashes", model, str(version)]
        tokens = self._tokens(arguments, seconds=answer_seconds(size))
        return parse_hashes(tokens, f"{self._root}/models/{model}/{version}/")

    def lock(self, owner: str, note: str, wanted: Sequence[str] = ()) -> None:
        """Become the one writer."""
        patience = LockPatience()
        text = json.dumps({"id": owner, "note": note})
        keep = [digest.replace(":", "-") for digest in wanted]
        while True:
            result = self._run(["lock", owner, text, *keep])
            if result.rc == 0:
                self._owner = owner
                return
            tokens = split_tokens(result.stdout) + ["", "", ""]
            ends = result.rc != script.RC_BUSY or patience.ends(tokens[1])
            if ends or self._stopped():
                raise self._refused(result, _json(tokens[2]))
            time.sleep(LOCK_POLL)

    def staged(self, manifest: Manifest) -> Staged:
        """Return what is there of a version."""
        arguments = ["staged", manifest.digest, str(len(manifest.files))]
        seconds = answer_seconds(manifest.size)
        return parse_states(self._tokens(arguments, [_listing(manifest)], seconds))

    def stage(self, manifest: Manifest, reuse: Mapping[int, Sequence[Place]]) -> Staged:
        """Begin or go on with a version; published files are linked and hashed."""
        places = [
            f"{number}\n{place['model']}/{place['version']}/{place['path']}\n"
            for number, items in sorted(reuse.items())
            for place in items
            if "model" in place
        ]
        body = json.dumps(manifest.as_dict()).encode()
        arguments = ["stage", self._owner, manifest.digest, str(len(manifest.files))]
        arguments += [str(len(body)), str(len(places))]
        blocks = [_listing(manifest), body, "".join(places).encode("utf-8", "surrogateescape")]
        return parse_states(self._tokens(arguments, blocks, answer_seconds(manifest.size)))

    def body_bytes(self, jobs: Sequence[FileJob], compress: bool) -> int:
        """Return the bytes that C(send) would send: those of the files, as they are."""
        return sum(job.entry.size - job.start for job in jobs)

    def send(self, manifest: Manifest, jobs: Sequence[FileJob], flow: Flow) -> Mapping[int, str]:
        """Send files in one stream."""
        arguments = ["receive", self._owner, manifest.digest, str(len(jobs))]
        tokens = self._tokens(arguments, _bodies(jobs, flow), answer_seconds(manifest.size))
        rest = iter(tokens)
        return {int(next(rest)): DONE if next(rest) == "done" else BAD for _word in rest}

    def publish(self, manifest: Manifest) -> None:
        """Make a staged version visible."""
        model, version = manifest.model, str(manifest.version)
        seconds = answer_seconds(manifest.size)
        settled = self._tokens(["settle", self._owner, manifest.digest], seconds=seconds)
        record = build_record(manifest, settled, self._root, lambda: self.staged(manifest))
        arguments = ["publish", self._owner, manifest.digest, model, version, str(len(record))]
        self._tokens(arguments, [record], seconds)

    def trust(self, key_id: str, counter: int) -> None:
        """Keep the counter of a signed set."""
        self._tokens(["trust", self._owner, key_id, str(counter)])

    def seal(self, manifest: Manifest, size: int) -> None:
        """Record a version that is right."""
        model, version = manifest.model, manifest.version
        before = self.inventory().by_key()[(model, version)]
        found = self.hashes(model, version, size)
        if found != {entry.path: entry.sha256 for entry in manifest.files}:
            raise TransferError(
                f"version {version} of model {model} changed meanwhile", subject=self.target.name
            )
        stamps = {item.path: list(item.stamp) for item in before.files}
        record = json.dumps({"manifest": manifest.as_dict(), "stamps": stamps}).encode()
        self._tokens(["seal", self._owner, model, str(version), str(len(record))], [record])

    def remove(self, model: str, version: int) -> bool:
        """Take a version away."""
        arguments = ["remove", self._owner, model, str(version)]
        return self._tokens(arguments, seconds=answer_seconds(0))[1] == "1"

    def set_aside(self, model: str, version: int) -> None:
        """Make the model's directory; a version that is there stays, and is an error."""
        self._tokens(["set_aside", self._owner, model, str(version)])

    def close(self) -> None:
        """End; never raises."""
        try:
            if self._owner:
                self._run(["unlock", self._owner])
        except EdgeError:
            pass  # the lease ends by itself
        finally:
            self._shut()

    def _tokens(
        self,
        arguments: Sequence[str],
        stdin: Iterable[Block] = (),
        seconds: float = 60.0,
    ) -> List[str]:
        result = self._run(arguments, stdin, seconds)
        if result.rc != 0:
            raise self._refused(result)
        tokens = split_tokens(result.stdout)
        if not tokens or tokens[-1] != "end":
            raise TransferError(
                f"the answer to '{arguments[0]}' was cut short", subject=self.target.name
            )
        return tokens[:-1]

    def _run(
        self,
        arguments: Sequence[str],
        stdin: Iterable[Block] = (),
        seconds: float = 60.0,
    ) -> ExecResult:
        try:
            return self._exec(arguments, stdin, seconds)
        except (UnreachableError, TransferError, ApiError) as error:
            why = self._obituary()
            if why:
                raise helper_gone(self.target, why) from error
            if isinstance(error, TransferError) and not self._stopped():
                raise Interrupted(error.message, subject=self.target.name) from error
            raise

    def _exec(self, arguments: Sequence[str], stdin: Iterable[Block], seconds: float) -> ExecResult:
        argv = ["/bin/bash", "-c", RUN_SCRIPT, SCRIPT, *arguments]
        namespace = self.target.store.namespace
        with self._client.exec_stream(
            namespace, self._pod, CONTAINER, argv, stdin=True, timeout=seconds
        ) as stream:
            try:
                for block in stdin:
                    stream.write(block)
                if stream.protocol == V5:
                    stream.close_stdin()
            except TransferError:
                # The script gave up: its exit code says why. Without one this raises again.
                if self._stopped():
                    raise
            return stream.wait()

    def _refused(self, result: ExecResult, holder: Optional[Mapping[str, Any]] = None) -> EdgeError:
        message = result.stderr.decode("utf-8", "replace").strip()
        message = message or f"exit code {result.rc}"
        status = STATUS.get(result.rc, 500)
        return refusal(self.target, status, message, {"holder": holder or {}})


def _listing(manifest: Manifest) -> bytes:
    lines = [f"{entry.size} {entry.sha256}\n{entry.path}\n" for entry in manifest.files]
    return "".join(lines).encode("utf-8", "surrogateescape")


def _bodies(jobs: Sequence[FileJob], flow: Flow) -> Iterator[Block]:
    for job in jobs:
        entry = job.entry
        head = f"{job.number} {job.start} {entry.size} {entry.sha256}\n{entry.path}\n"
        yield head.encode("utf-8", "surrogateescape")
        yield from flow.through(_rest_of(job, flow))


def _rest_of(job: FileJob, flow: Flow) -> Iterator[bytes]:
    """Yield the bytes of a file from where its part ends."""
    reader = Reader(str(job.source))
    try:
        if reader.size != job.entry.size:
            raise changed(str(job.source))
        for offset in range(job.start, job.entry.size, BLOCK):
            block = reader.read(offset, min(BLOCK, job.entry.size - offset))
            yield block
            flow.advance(len(block))
    finally:
        reader.close()


def split_tokens(data: bytes) -> List[str]:
    """Return the tokens of an answer; what comes after the last NUL was cut short and is left."""
    return [token.decode("utf-8", "surrogateescape") for token in data.split(b"\0")[:-1]]


def parse_states(tokens: Sequence[str]) -> Staged:
    """Read the answer to C(staged) and C(stage)."""
    rest = iter(tokens)
    return {int(next(rest)): Have(next(rest) == "1", int(next(rest))) for _word in rest}


def parse_facts(tokens: Sequence[str]) -> Facts:
    """Read the answer to C(facts)."""
    free, total, block, inodes_free, inodes, writable, uid, mode = tokens[1:9]
    return Facts(
        free_bytes=int(free) * int(block),
        total_bytes=int(total) * int(block),
        free_inodes=int(inodes_free),
        total_inodes=int(inodes),
        block_bytes=int(block),
        writable=writable == "1",
        uid=int(uid),
        root_mode=mode.zfill(4),
        **_extra_facts(tokens[9:]),
    )


def _extra_facts(tokens: Sequence[str]) -> Dict[str, Any]:
    """Read the counters of signed sets, and which names a store keeps as they are."""
    trust: Dict[str, int] = {}
    keeps: Dict[str, bool] = {}
    rest = iter(tokens)
    for word in rest:
        if word == "keeps":
            keeps = {name: next(rest) == "1" for name in ("case", "forms", "reserved")}
        else:
            key = next(rest)
            trust[key] = int(next(rest))
    return {"trust": trust, "keeps": keeps}


def parse_inventory(tokens: Sequence[str], root: str) -> Inventory:
    """Read the answer to C(inventory); C(root) is that of the store in the helper."""
    versions: List[Dict[str, Any]] = []
    strays: List[str] = []
    odd: List[Tuple[str, str]] = []
    blocked: List[Tuple[str, str]] = []
    prefix = ""
    rest = iter(tokens)
    for word in rest:
        if word == "stray":
            strays.append(next(rest))
        elif word == "version":
            model, version, text = next(rest), next(rest), next(rest)
            prefix = f"{root}/models/{model}/{version}/"
            versions.append({"model": model, "version": version, "files": []})
            record = _json(text)
            if record and not isinstance(record.get("manifest"), dict):
                record = None
            versions[-1]["record"] = record
            if text and record is None:
                odd.append((f".edge/manifests/{model}/{version}.json", "it is no record"))
        elif word == "odd":
            odd.append((_inner(next(rest), f"{root}/"), next(rest)))
        elif word == "blocked":
            blocked.append((_inner(next(rest), f"{root}/"), next(rest)))
        else:
            versions[-1]["files"].append(_file_row(rest, prefix))
    told = {"versions": versions, "strays": strays, "odd": odd, "blocked": blocked}
    return Inventory.from_dict(told)


def parse_hashes(tokens: Sequence[str], prefix: str) -> Dict[str, str]:
    """Read the answer to C(hashes): C(sha256sum -z) lines, and C(none) for what is no file."""
    found: Dict[str, str] = {}
    rest = iter(tokens)
    for token in rest:
        if token == "none":
            found[_inner(next(rest), prefix)] = ""
        else:
            found[_inner(token[66:], prefix)] = token[:64]
    return found


def build_record(
    manifest: Manifest, settled: Sequence[str], root: str, read_again: Callable[[], Staged]
) -> bytes:
    """Return the record of a version from the answer to C(settle).

    Args:
        manifest: of the version.
        settled: the stamps of verified files, the mode of the directory (octal), the files.
        root: of the store.
        read_again: reads the files that have other stamps now: a file system need not keep inode
            numbers, or the time that it told first.

    Raises:
        TransferError: what is staged is not what the manifest says, or was not verified.
    """
    prefix = f"{root}/.edge/staging/{manifest.digest.replace(':', '-')}/tree/"
    lines = [line.split() for line in settled[0].splitlines()]
    known = {int(words[0]): [int(word) for word in words[1:]] for words in lines if len(words) == 4}
    rest = iter(settled[2:])
    rows = {str(row[0]): row for row in (_file_row(rest, prefix) for _word in rest)}
    odd = set(rows) ^ {entry.path for entry in manifest.files}
    numbers = [n for n, entry in enumerate(manifest.files) if entry.path not in odd]
    sizes = [entry.size for entry in manifest.files]
    now = {n: rows[manifest.files[n].path][1:4] for n in numbers}
    other = [n for n in numbers if known.get(n) != now[n] or now[n][0] != sizes[n]]
    if other and not odd and all(number in known for number in other):
        found = read_again()
        other = [number for number in other if not found.get(number, Have()).done]
    odd.update(manifest.files[number].path for number in other)
    if odd:
        message = f"what is staged is not what was sent: {', '.join(sorted(odd)[:5])}"
        raise TransferError(message, subject=f"{manifest.model}/{manifest.version}")
    return json.dumps(_record(manifest, list(rows.values()), int(settled[1], 8))).encode()


def _record(manifest: Manifest, rows: Sequence[List[Any]], directory_mode: int) -> Dict[str, Any]:
    """Return a record; it has modes where the file system gives those of its own."""
    stamps = {row[0]: row[1:4] for row in rows}
    record = {"manifest": manifest.as_dict(), "stamps": stamps, "owner": rows[0][5:7]}
    mode = stat.S_IMODE(rows[0][4])
    if mode != FILE_MODE:
        record["modes"] = [mode, directory_mode]
    return record


def _file_row(rest: Iterator[str], prefix: str) -> List[Any]:
    """Read the seven fields of one file: name, size, time, inode, mode (hex), uid, gid."""
    try:
        fields = [next(rest) for _field in range(7)]
    except StopIteration:
        raise TransferError("the listing of files was cut short") from None
    name, size, mtime, inode, mode, uid, gid = fields
    stamp = [int(size), int(mtime.replace(".", "")), int(inode)]
    return [_inner(name, prefix), *stamp, int(mode, 16), int(uid), int(gid)]


def _inner(name: str, prefix: str) -> str:
    if not name.startswith(prefix) or len(name) == len(prefix):
        raise TransferError(f"unexpected name in the listing: {name!r}")
    return name[len(prefix) :]


def _json(text: str) -> Optional[Dict[str, Any]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
