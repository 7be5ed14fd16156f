# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns findings into one InputError, or into warnings."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from ...errors import InputError
from ...runtime import Runtime
from .findings import ERROR, NOTHING_KNOWN, WARNING, Context, Finding
from .lint import lint_config


def check_config(
    config: Mapping[str, Any], runtime: Runtime, context: Context = NOTHING_KNOWN
) -> None:
    """Raise for entries that the server refuses; warn about uncertain ones.

    Raises:
        InputError: the first error, with all of them in C(details.findings).
    """
    refuse(lint_config(config, context), runtime)


def refuse(
    findings: Sequence[Finding],
    runtime: Runtime,
    *,
    option: Optional[str] = None,
    subject: Optional[str] = None,
) -> None:
    """Raise the first error, or pass warnings on.

    Args:
        findings: errors first.
        runtime: takes the warnings.
        option: the option that the whole configuration comes from; None: each finding names its
            own.
        subject: the object or file that the configuration is in.

    Raises:
        InputError: the first error, with all of them in C(details.findings).
    """
    errors = [finding for finding in findings if finding.level == ERROR]
    for finding in findings:
        if finding.level == WARNING:
            runtime.warn(_warning(finding, option))
    if not errors:
        return
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    where = f"{first.path}: " if option else ""
    raise InputError(
        f"{where}{first.message}{more}",
        option=option or option_of(first),
        subject=subject,
        hint=first.hint or None,
        details={"findings": [str(finding) for finding in findings]},
    )


def _warning(finding: Finding, option: Optional[str]) -> str:
    if option:
        return f"{option}: {finding}"
    hint = f". {finding.hint}" if finding.hint else ""
    return f"{option_of(finding)}: {finding.message}{hint}."


def option_of(finding: Finding) -> str:
    """Return the option that a finding is about: models[NAME].KEY."""
    place = f"{finding.option}[{finding.model}]" if finding.model else finding.option
    listed = finding.model or finding.option == "monitoring"
    return f"{place}.{finding.key}" if finding.key and listed else place
