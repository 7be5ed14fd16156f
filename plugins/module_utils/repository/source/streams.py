# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decompresses an archive file as a stream that only reads forward.

The kind is detected by the first bytes, not by the name. zstd comes from the standard library
(Python 3.14 and later), else from the package C(zstandard).
"""

from __future__ import annotations

import gzip
import importlib
import zlib
from typing import Any, Callable, List, Tuple, Type

from ...closing import Closing
from ...errors import InputError, UnsupportedError

BLOCK = 1 << 20  # bytes read at once
TAR_BLOCK = 512
MAX_WINDOW_LOG = 31  # of zstd: archives made with --ultra or --long need more than its default
GZIP, ZSTD, TAR = "gzip", "zstd", "tar"
_OTHERS = (
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
)
KINDS = ".tar, .tar.gz, .tgz or .tar.zst"


class Damaged(Exception):
    """The archive ends early or its compressed data is broken; says how."""


def kind_of(path: str) -> str:
    """Return C(tar), C(gzip) or C(zstd).

    Raises:
        InputError: something else, or not readable.
    """
    try:
        with open(path, "rb") as stream:
            head = stream.read(TAR_BLOCK)
    except OSError as error:
        raise InputError(
            f"it cannot be read ({error.strerror or error})", option="src", subject=path
        ) from error
    if head.startswith(b"\x1f\x8b"):
        return GZIP
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return ZSTD
    if head[257:262] == b"ustar" or path.endswith(".tar"):
        return TAR
    other = next((name for magic, name in _OTHERS if head.startswith(magic)), "")
    raise InputError(
        f"{other} archives are not read" if other else "neither a directory nor a tar archive",
        option="src",
        subject=path,
        hint=f"Give a directory, or an archive of the kind {KINDS}",
    )


class Forward(Closing):
    """A file object that C(tarfile) reads from; only ever goes forward; use it in C(with).

    Attributes:
        last: the last header block that was read, to tell how the archive ended.

    Args:
        path: of the archive.
        advance: is told bytes of the archive file as they are read.
    """

    def __init__(self, path: str, advance: Callable[[int], None] = lambda count: None) -> None:
        self.last = b""
        self._at = 0
        self._kind = kind_of(path)
        self._raw, self._errors = _open(path, self._kind, advance)

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def read(self, size: int) -> bytes:
        """Return C(size) bytes, fewer only at the end.

        Raises:
            Damaged: the compressed data is broken or ends early, or a header is absurdly long.
        """
        if size > BLOCK + TAR_BLOCK:
            raise Damaged(f"a header of {size} bytes")
        parts: List[bytes] = []
        left = size
        while left > 0:
            data = self._read_some(min(left, BLOCK))
            if not data:
                break
            parts.append(data)
            left -= len(data)
        found = b"".join(parts)
        if size == TAR_BLOCK:
            self.last = found
        return found

    def _read_some(self, size: int) -> bytes:
        try:
            data: bytes = self._raw.read(size)
        except self._errors as error:
            raise Damaged(str(error) or type(error).__name__) from error
        self._at += len(data)
        return data

    def tell(self) -> int:
        """Return the position in the decompressed bytes."""
        return self._at

    def seek(self, position: int) -> None:
        """Seek forward; the next read reports a position past the end."""
        if self._kind == TAR:
            self._raw.seek(position)
            self._at = position
            return
        if position < self._at:
            raise Damaged("its parts overlap")
        while self._at < position:
            if not self._read_some(min(position - self._at, BLOCK)):
                self._at = position

    def only_zeros_follow(self) -> bool:
        """Read to the end, which verifies checksums; return whether only zero padding was left."""
        clean = True
        while True:
            data = self._read_some(BLOCK)
            if not data:
                return clean
            clean = clean and not data.strip(b"\0")


class _Counted:
    """A raw file that tells how much was read."""

    def __init__(self, path: str, advance: Callable[[int], None]) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  # closed by close()
        self._advance = advance

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size) or b""
        self._advance(len(data))
        return data

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    @property
    def closed(self) -> bool:
        return self._file.closed

    def close(self) -> None:
        self._file.close()


Errors = Tuple[Type[BaseException], ...]


def _open(path: str, kind: str, advance: Callable[[int], None]) -> Tuple[Any, Errors]:
    """Return a reader and the exceptions that mean damaged data."""
    if kind == ZSTD:
        return _open_zstd(path, advance)
    raw = _Counted(path, advance)
    if kind == TAR:
        return raw, (OSError,)
    return gzip.GzipFile(fileobj=raw, mode="rb"), (OSError, EOFError, zlib.error)


def _open_zstd(path: str, advance: Callable[[int], None]) -> Tuple[Any, Errors]:
    standard = _module("compression.zstd")
    if standard:
        limit = {standard.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}
        reader = standard.ZstdFile(_Counted(path, advance), "rb", options=limit)
        return reader, (OSError, EOFError, standard.ZstdError)
    package = _module("zstandard")
    if package:
        context = package.ZstdDecompressor(max_window_size=1 << MAX_WINDOW_LOG)
        raw = _Counted(path, advance)
        reader = context.stream_reader(raw, read_across_frames=True, closefd=True)
        return reader, (OSError, EOFError, package.ZstdError)
    raise UnsupportedError(
        "nothing here reads zstd",
        option="src",
        subject=path,
        hint="Install the Python package zstandard, use Python 3.14, or pack it as .tar.gz",
    )


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
