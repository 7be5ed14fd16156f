# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of each replica, and what is wrong with an answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import UnsupportedError
from .compare import compare
from .golden import Case
from .protocol import Answer, Metadata, unknown_names
from .tensors import Tensor


@dataclass(frozen=True)
class Question:
    """A case for one version of its model; None leaves the version to the server."""

    case: Case
    version: Optional[int]

    @property
    def key(self) -> Tuple[str, Optional[int]]:
        """Return the model and the version."""
        return self.case.model, self.version

    def __str__(self) -> str:
        version = "" if self.version is None else f" {self.version}"
        return f"{self.case.model}{version}, case '{self.case.name}'"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the answers of a replica.

    Attributes:
        code: a word for programs.
        message: what is wrong.
        hint: what to do about it.
        replica: name of the pod, empty if it is about all.
        model: name of the model.
        version: its version.
        case: name of the case.
        output: name of the output.
        index: place of the worst value in each dimension.
        expected: what it has to be there.
        got: what it is.
        tolerance: how far both may differ.
    """

    code: str
    message: str
    hint: str = ""
    replica: str = ""
    model: str = ""
    version: Optional[int] = None
    case: str = ""
    output: str = ""
    index: List[int] = field(default_factory=list)
    expected: Any = None
    got: Any = None
    tolerance: str = ""

    def as_dict(self) -> Dict[str, Any]:
        """Return plain data without empty fields."""
        return {key: value for key, value in vars(self).items() if value not in ("", None, [])}


VALUES = (
    "The replica answers, so the model is loaded, but not the one that was recorded, or not on the"
    " device or with the precision that it was recorded for. Compare its bytes on the store"
    " (model_repository_info), then the device; docs/golden.md tells which differences are harmless"
)
NOT_SERVED = (
    "The file names this version; another one is served. Record the golden file of the version that"
    " is to be served, or leave 'version' out of it"
)


def questions(
    cases: Sequence[Case], wanted: Mapping[str, Sequence[int]], option: str = "golden"
) -> List[Question]:
    """Return what to ask: each case of its own version, else of each version that is wanted.

    Raises:
        UnsupportedError: the name of a model has a slash.
    """
    found: List[Question] = []
    for case in cases:
        if "/" in case.model:
            raise UnsupportedError(
                f"the model '{case.model}' cannot be asked through the API server",
                option=option,
                subject=str(case),
                hint="Its proxy takes the %2F in a path for a slash, so that the server sees"
                " another path. Give the model a name without a slash; what it serves can still"
                " be checked with model_status",
            )
        versions: Sequence[Optional[int]] = [case.version]
        if case.version is None and wanted.get(case.model):
            versions = sorted(wanted[case.model])
        found += [Question(case, version) for version in versions]
    return found


def judge_metadata(question: Question, metadata: Metadata, replica: str) -> List[Finding]:
    """Return which inputs and outputs of a case the model does not have."""
    case = question.case
    asked = [tensor.name for tensor in case.inputs]
    found = []
    for what, names, known in (
        ("input", asked, metadata.inputs),
        ("output", [item.name for item in case.outputs], metadata.outputs),
    ):
        for name in unknown_names(names, known):
            found.append(
                finding(
                    question,
                    replica,
                    "no_such_tensor",
                    f"the model has no {what} '{name}'; it has {', '.join(known)}",
                    "Is it the model that the golden file was made for?",
                )
            )
    lacking = [name for name in metadata.inputs if name not in asked]
    if lacking and not found:
        text = f"the model has an input '{lacking[0]}' for which the case has no values"
        found.append(finding(question, replica, "no_such_tensor", text))
    return found


def judge_answer(question: Question, answer: Answer, replica: str) -> List[Finding]:
    """Return what differs from what is expected."""
    found = []
    if question.version is not None and answer.version not in (None, question.version):
        text = f"version {answer.version} has answered instead of {question.version}"
        found.append(finding(question, replica, "version", text))
    for expected in question.case.outputs:
        got: Optional[Tensor] = answer.outputs.get(expected.name)
        if got is None:
            text = f"the answer has no output '{expected.name}', only {', '.join(answer.outputs)}"
            found.append(finding(question, replica, "no_such_tensor", text))
            continue
        worst = compare(expected, got)
        if worst is None:
            continue
        found.append(
            finding(
                question,
                replica,
                worst.code,
                f"output '{expected.name}': {worst.message}",
                VALUES,
                output=expected.name,
                index=worst.index,
                expected=worst.expected,
                got=worst.got,
                tolerance=worst.tolerance,
            )
        )
    return found


def finding(
    question: Question, replica: str, code: str, message: str, hint: str = "", **more: Any
) -> Finding:
    """Return a finding about a question to a replica."""
    return Finding(
        code,
        f"{question}: {message}",
        hint,
        replica,
        question.case.model,
        question.version,
        question.case.name,
        **more,
    )
