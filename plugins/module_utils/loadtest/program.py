# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that sends requests, as a zip: the same in a pod and on the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping

from .. import shipping
from ..errors import EdgeError, InputError, TransferError, UnsupportedError
from . import worker
from .worker.main import MISSING_PACKAGE, decode

if TYPE_CHECKING:
    # Where a module runs on another host, these lines are what brings the files there.
    from .worker import failure, grpc_client, load, main, packages, rest, values  # noqa: F401

PROGRAM = "worker.pyz"
PACKAGE = "edge_benchmark"
NAMES = ("main", "failure", "grpc_client", "load", "packages", "rest", "values")


class BenchmarkError(EdgeError):
    """Requests could not be sent, or none of them has an answer."""

    kind = "benchmark"


def program() -> bytes:
    """Return the zip."""
    return shipping.zipped(shipping.scripts(worker.__name__, PACKAGE, NAMES))


def record_of(output: str, subject: str) -> Dict[str, Any]:
    """Return the record in what the program has printed.

    Args:
        output: of the program.
        subject: where it ran, for messages.

    Raises:
        UnsupportedError: a Python package is missing there.
        BenchmarkError: the program has failed.
        TransferError: the record is not there as a whole.
    """
    try:
        record = decode(output)
    except ValueError as error:
        last = (output.strip().splitlines() or [""])[-1][:200]
        raise TransferError(
            f"the record of the requests cannot be read: {error}; the last line is {last!r}",
            subject=subject,
            hint="Run the task again; with fewer requests the record is smaller",
        ) from None
    if "error" in record:
        raise _failed(record["error"], subject)
    return record


def _failed(error: Mapping[str, Any], subject: str) -> EdgeError:
    kind, message = str(error["kind"]), str(error["message"])
    if kind == MISSING_PACKAGE:
        return UnsupportedError(
            message,
            option="client",
            subject=subject,
            hint="Name an image that has it in agent_image (with url: install it for the"
            " controller's Python), give wheels that fit this Python in wheels, or take client:"
            " rest, which needs nothing",
        )
    if kind in ("FileNotFoundError", "PermissionError", "SSLError"):
        return InputError(
            f"a certificate cannot be used: {message}",
            option="tls",
            subject=subject,
            hint="Give PEM files: certificates, and a key without a password that belongs to them",
        )
    return BenchmarkError(
        f"{kind}: {message}", subject=subject, hint="Ask the model with model_status, then again"
    )
