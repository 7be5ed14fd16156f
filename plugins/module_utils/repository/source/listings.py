# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Caches listings of archives beside the hashes, so that an unchanged archive is not opened."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from typing import Any, Dict, Optional

from ...errors import InputError
from .archive import Advance, Listing, Member, read_listing
from .hashcache import cache_directory, is_racy, read_checked, write_checked
from .turns import Say, Turn

MAX_LISTINGS = 32
FORM = 1  # format of the cache; files of another format are ignored
PREFIX = "archive-"


def listing_of(
    path: str, advance: Advance = lambda count: None, say: Say = lambda text: None
) -> Listing:
    """Return what an archive holds, read only if it is not known and nobody else is reading it.

    Raises:
        InputError: see C(archive.read_listing); or it changed while it was read.
    """
    directory = cache_directory()
    kept = os.path.join(directory, _file_name(path)) if directory else ""
    known = _load(kept, _identity(path)) if kept else None
    if known is not None:
        return known
    with Turn(directory, path, say) as turn:
        began, before = time.time_ns(), _identity(path)
        if not is_racy(max(before["mtime"], before["ctime"]), began):
            turn.take(lambda: None)
        return _load(kept, _identity(path)) or _read(path, kept, turn.told(advance))


def _read(path: str, kept: str, advance: Advance) -> Listing:
    """Read the listing of an archive, and keep it."""
    began, before = time.time_ns(), _identity(path)
    listing = read_listing(path, advance)
    if _identity(path) != before:
        raise InputError("the archive changed while it was read", option="src", subject=path)
    if kept and not is_racy(max(before["mtime"], before["ctime"]), began):
        try:
            _keep(kept, before, listing)
        except OSError:
            pass  # continue without the cache
    return listing


def _identity(path: str) -> Dict[str, Any]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise InputError(
            f"it cannot be read ({error.strerror or error})", option="src", subject=path
        ) from error
    return {
        "form": FORM,
        "path": path,
        "dev": status.st_dev,
        "inode": status.st_ino,
        "size": status.st_size,
        "mtime": status.st_mtime_ns,
        "ctime": status.st_ctime_ns,
    }


def _file_name(path: str) -> str:
    return PREFIX + hashlib.sha256(os.fsencode(path)).hexdigest()[:32]


def _load(kept: str, identity: Dict[str, Any]) -> Optional[Listing]:
    try:
        body = json.loads(read_checked(kept) or "")
        if body["identity"] != identity:
            return None
        listing = body["listing"]
        return Listing(
            {name: Member(*fields) for name, fields in listing["files"].items()},
            listing["links"],
            set(listing["directories"]),
            set(listing["junk"]),
            {name: base64.b64decode(text) for name, text in listing["notes"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _keep(kept: str, identity: Dict[str, Any], listing: Listing) -> None:
    directory = os.path.dirname(kept)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    body = {
        "identity": identity,
        "listing": {
            "files": {
                name: [member.size, member.sha256, member.name]
                for name, member in listing.files.items()
            },
            "links": listing.links,
            "directories": sorted(listing.directories),
            "junk": sorted(listing.junk),
            "notes": {
                name: base64.b64encode(data).decode("ascii") for name, data in listing.notes.items()
            },
        },
    }
    write_checked(kept, json.dumps(body))
    _forget_oldest(directory)


def _forget_oldest(directory: str) -> None:
    paths = [
        os.path.join(directory, name) for name in os.listdir(directory) if name.startswith(PREFIX)
    ]
    for path in sorted(paths, key=os.path.getmtime)[:-MAX_LISTINGS]:
        os.unlink(path)
