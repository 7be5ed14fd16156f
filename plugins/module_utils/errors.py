# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of exceptions that the engine raises.

Everything below a module or action file raises one of these; only the entry adapters turn them
into a failed task. Each carries what a person needs at once: the option to look at, the object
it is about, and the way out.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

# Characters of a reason in a list, a record or a journal.
_LONGEST_REASON = 300


def one_line(text: str) -> str:
    """Return a text in one line, short enough for a list."""
    joined = " ".join(text.split())
    if len(joined) <= _LONGEST_REASON:
        return joined
    return f"{joined[: _LONGEST_REASON - 3]}..."


def _ended(text: str) -> str:
    """Return a sentence with a full stop, unless it ends with another mark (a question, a list)."""
    return text if text.endswith(("?", "!", "\n")) else f"{text}."


class EdgeError(Exception):
    """Base of all errors that a user may see.

    Args:
        message: what is wrong, one sentence without a trailing full stop.
        option: the task option (dotted for sub-options) that has to change, if one has.
        subject: the object it is about: a path, a Kubernetes object, a replica.
        hint: the way out, one sentence without a trailing full stop.
        details: plain data for programs; never secrets.
    """

    kind = "error"

    def __init__(
        self,
        message: str,
        *,
        option: Optional[str] = None,
        subject: Optional[str] = None,
        hint: Optional[str] = None,
        details: Optional[Mapping[str, Any]] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.option = option
        self.subject = subject
        self.hint = hint
        self.details: Dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        text = f"{self.option}: " if self.option else ""
        text += f"{self.subject}: " if self.subject else ""
        text += _ended(self.message)
        gap = "" if text.endswith("\n") else " "
        return f"{text}{gap}{_ended(self.hint)}" if self.hint else text

    def as_result(self) -> Dict[str, Any]:
        """Return the fields of a failed task: C(msg) and the structured C(error)."""
        error: Dict[str, Any] = {"kind": self.kind, "message": self.message}
        for name in ("option", "subject", "hint"):
            value = getattr(self, name)
            if value:
                error[name] = value
        if self.details:
            error["details"] = self.details
        return {"msg": str(self), "error": error}


class InputError(EdgeError):
    """An option, a file or a local directory is not as it has to be. Nothing was changed."""

    kind = "input"


class AuthError(EdgeError):
    """The API server rejected the credentials (HTTP 401, expired token, bad certificate)."""

    kind = "authentication"


class ForbiddenError(EdgeError):
    """The account lacks a right (HTTP 403), or admission refused the object."""

    kind = "forbidden"


class UnreachableError(EdgeError):
    """No answer: refused, DNS, time-out, TLS trust.

    ``lasting`` is true when somebody has to change something first: trust, a proxy's login.
    """

    kind = "unreachable"

    def __init__(self, message: str, *, lasting: bool = False, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.lasting = lasting


class ApiError(EdgeError):
    """The API server answered with a C(Status) failure that has no class of its own.

    ``status`` is the HTTP status code, ``reason`` the Kubernetes C(reason) word.
    """

    kind = "api"

    def __init__(self, message: str, *, status: int = 0, reason: str = "", **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.status = status
        self.reason = reason


def may_pass(error: EdgeError) -> bool:
    """Tell whether the same request may go well a little later, without anybody's doing."""
    if isinstance(error, UnreachableError):
        return not error.lasting
    if not isinstance(error, ApiError):
        return False
    # Without a status of an error it was an answer of something else, in front of the API server.
    return error.status == 429 or error.status >= 500 or 0 < error.status < 400


class ConflictError(ApiError):
    """HTTP 409: someone else changed or holds the object."""

    kind = "conflict"


class GoneError(ApiError):
    """HTTP 410: the watch's resourceVersion is too old; list again."""

    kind = "gone"


class WaitError(EdgeError):
    """A wait timed out, or failed early because the state can no longer be reached."""

    kind = "wait"


class TransferError(EdgeError):
    """A transfer was incomplete or had a wrong checksum. Published versions are unchanged."""

    kind = "transfer"


class BusyError(EdgeError):
    """Another controller is at work on the same store."""

    kind = "busy"


class GateError(EdgeError):
    """A replica does not report the wanted versions AVAILABLE."""

    kind = "gate"


class UnsupportedError(EdgeError):
    """The cluster, the image or the protocol cannot do what is asked."""

    kind = "unsupported"
