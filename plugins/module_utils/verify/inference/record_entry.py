# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.golden_record."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...entry import merge_specs
from ...errors import InputError
from ...kube.client import KubeClient
from ...kube.types import Access
from ...runtime import Params, Result, Runtime
from ..replicas import Fleet, Replica
from .ask import Asker, Refusal
from .check import outputs_of, refused
from .entry import (
    TARGET_ARGUMENT_SPEC,
    InferenceError,
    counted,
    fleet_of,
    target_of,
)
from .entry import required_access as inference_access
from .files import dump, load, read_cases
from .files import replace as write
from .golden import Case
from .judge import Question, judge_answer, judge_metadata, questions
from .latency import middle
from .protocol import Answer
from .record import Wish, brief, document, record_output, same_request

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    TARGET_ARGUMENT_SPEC,
    {
        "src": {"type": "path", "required": True},
        "dest": {"type": "path", "required": True},
        "requests": {"type": "int", "default": 5},
        "rtol": {"type": "float"},
        "atol": {"type": "float"},
        "allow_nan": {"type": "bool", "default": False},
        "force": {"type": "bool", "default": False},
    },
)
SPEC_RULES: Dict[str, Any] = {
    "mutually_exclusive": [("name", "label_selector")],
    "required_one_of": [("name", "label_selector")],
}


@dataclass(frozen=True)
class Recorded:
    """What was seen of one case."""

    case: Case
    names: Tuple[str, ...]
    answers: Tuple[Answer, ...]
    latency_ms: float


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses."""
    return inference_access(params)


def run(params: Params, runtime: Runtime) -> Result:
    """Ask every replica several times, and write the golden file of the answers.

    Raises:
        InputError: an option or the source is not as it has to be, or the answers do not agree.
        InferenceError: a replica does not answer.
    """
    begun = time.monotonic()
    wish = _wish(params)
    source = load(params["src"], "src")
    cases = read_cases([params["src"]], recording=True)
    asked = questions(cases, {}, "src")
    target = target_of(params)
    with KubeClient.from_params(params) as client:
        target, fleet = fleet_of(client, target, params)
        _complete(str(target), fleet)
        asker = Asker(client, target.namespace, target.rest_port, float(params["timeout"]))
        seen = []
        for question in asked:
            seen.append(_record(asker, question, fleet.replicas, params["requests"]))
            runtime.progress(f"{question}: {len(seen[-1].answers)} answers")
        carrier = client.carrier
    entries = [_entry(item, params, wish) for item in seen]
    result = {
        "dest": params["dest"],
        "replicas": len(fleet.replicas),
        "carrier": carrier,
        "cases": [_summary(item, entry) for item, entry in zip(seen, entries)],
        "seconds": round(time.monotonic() - begun, 3),
    }
    return {**result, **_keep(params, document(source, entries), seen, runtime)}


def _wish(params: Params) -> Wish:
    for name in ("rtol", "atol"):
        value = params.get(name)
        if value is not None and not 0 <= value < float("inf"):
            raise InputError("it is no number from 0", option=name)
    folder = os.path.dirname(os.path.abspath(params["dest"]))
    if not os.path.isdir(folder):
        raise InputError(
            "its folder is not there",
            option="dest",
            subject=params["dest"],
            hint="Make it first, or correct the path",
        )
    if not 1 <= params["requests"] <= 1000:
        raise InputError("it is a number from 1 to 1000", option="requests")
    return Wish(params.get("rtol"), params.get("atol"), params["allow_nan"])


def _complete(server: str, fleet: Fleet) -> None:
    findings = counted(fleet)
    if findings:
        raise InferenceError(findings[0].message, subject=server, hint=findings[0].hint)


def _record(
    asker: Asker, question: Question, replicas: Sequence[Replica], requests: int
) -> Recorded:
    """Ask each replica one question several times."""
    answers: List[Answer] = []
    times: List[float] = []
    names: Tuple[str, ...] = ()
    for replica in replicas:
        try:
            found, asked, middle_ms = _ask(asker, question, replica, requests)
        except Refusal as error:
            finding = refused(question, replica, error)
            raise InferenceError(
                finding.message, subject=f"pod {replica.name}", hint=finding.hint
            ) from None
        answers += found
        names = names or asked
        times.append(middle_ms)
    return Recorded(question.case, names, tuple(answers), max(times))


def _ask(
    asker: Asker, question: Question, replica: Replica, requests: int
) -> Tuple[List[Answer], Tuple[str, ...], float]:
    case, pod = question.case, replica.name
    metadata = asker.metadata(pod, *question.key)
    wrong = judge_metadata(question, metadata, pod)
    if wrong:
        raise InputError(wrong[0].message, option="src", subject=case.path, hint=wrong[0].hint)
    names = outputs_of(case, metadata)
    answers, times, empty = [], [], []
    for turn in range(requests + 1):
        empty.append(asker.empty(pod))
        answer, seconds = asker.infer(pod, *question.key, case.inputs, names)
        answers.append(answer)
        # The first answer counts, its time does not: some devices compile only now.
        times += [seconds] if turn else []
    wanted = tuple(item.name for item in case.outputs) or tuple(answers[0].outputs)
    return answers, wanted, middle(times, empty)


def _entry(item: Recorded, params: Params, wish: Wish) -> Dict[str, Any]:
    """Return a case of the new file."""
    source = item.case.source
    given = {str(entry["name"]): entry for entry in source.get("outputs") or ()}
    outputs = [
        record_output(item.case, name, given.get(name, {}), item.answers, wish)
        for name in item.names
        if not (given.get(name) or {}).get("classes")
    ]
    told = [entry for entry in given.values() if entry.get("classes")]
    entry = {
        **source,
        "inputs": [_moved(one, params["src"], params["dest"]) for one in source["inputs"]],
        "outputs": [*outputs, *told],
        "recorded": {
            "version": item.answers[0].version,
            "answers": len(item.answers),
            "latency_ms": item.latency_ms,
        },
    }
    return {"name": item.case.name, **entry}


def _moved(entry: Mapping[str, Any], src: str, dest: str) -> Dict[str, Any]:
    """Return an input whose file is found from the folder of the new file."""
    if entry.get("file") is None:
        return dict(entry)
    file = os.path.expanduser(str(entry["file"]))
    if os.path.isabs(file):
        return dict(entry)
    old, new = (os.path.dirname(os.path.abspath(path)) for path in (src, dest))
    return {**entry, "file": os.path.relpath(os.path.join(old, file), new)}


def _summary(item: Recorded, entry: Mapping[str, Any]) -> Dict[str, Any]:
    outputs = [
        {key: output[key] for key in ("name", "rtol", "atol", "spread") if key in output}
        for output in entry["outputs"]
    ]
    about = {"case": item.case.name, "model": item.case.model}
    return {**about, **entry["recorded"], "outputs": outputs}


def _keep(
    params: Params, golden: Dict[str, Any], seen: Sequence[Recorded], runtime: Runtime
) -> Dict[str, Any]:
    """Write the file if it does not hold already what was seen."""
    dest = params["dest"]
    before = load(dest, "dest") if os.path.exists(dest) else None
    if before is not None and not params["force"] and _still_true(dest, before, golden, seen):
        return {"changed": False}
    done: Dict[str, Any] = {"changed": True}
    if runtime.diff:
        heads = {"before_header": dest, "after_header": dest}
        old = "" if before is None else dump(brief(before), dest)
        done["diff"] = {**heads, "before": old, "after": dump(brief(golden), dest)}
    if not runtime.check_mode:
        write(dest, dump(golden, dest))
    return done


def _still_true(dest: str, before: Any, golden: Dict[str, Any], seen: Sequence[Recorded]) -> bool:
    """Tell whether the file asks the same, and all answers are as it says."""
    try:
        cases = read_cases([dest])
        if not same_request(before, golden):
            return False
    except (InputError, KeyError, TypeError, AttributeError):
        return False
    by_name: Dict[Tuple[str, str, Optional[int]], Case] = {
        (case.name, case.model, case.version): case for case in cases
    }
    for item in seen:
        case = by_name.get((item.case.name, item.case.model, item.case.version))
        if case is None or case.inputs != item.case.inputs:
            return False
        question = Question(replace(case, version=None), None)
        if any(judge_answer(question, answer, "") for answer in item.answers):
            return False
    return True
