# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reasons in logs as OVMS 2026.3.0 wrote them (stamps and threads shortened)."""

from __future__ import annotations

from ansible_collections.openvino.edge.plugins.module_utils.kube.health.logs import (
    last_words,
    records,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.reasons import reason_lines

AT = "[2026-11-29 19:53:20.809][16107]"


def log(*lines: str) -> str:
    """Return a log; a line that begins with C([) is a record and gets a head."""
    return "\n".join(f"{AT}{line}" if line.startswith("[") else line for line in lines) + "\n"


def status(model: str, version: int, state: str, code: str = "OK") -> str:
    return (
        f"[serving][info][modelversionstatus.cpp:113] STATUS CHANGE: Version {version} of model"
        f' {model} status change. New status: ( "state": "{state}", "error_code": "{code}" )'
    )


def cut_weights(model: str, version: int, begin: str) -> list[str]:
    """Return the lines of one failed attempt at weights that are cut short."""
    return [
        f"[serving][info][model.cpp:141] {begin}: {model}; version: {version} ...",
        status(model, version, "LOADING"),
        "[modelmanager][info][ov_utils.cpp:166] No GPU devices found, recommending CPU",
        "[serving][error][modelinstance.cpp:915] Error: Exception from src/core.cpp:84:",
        "Check 'm_weights->size() >= offset + size' failed at src/deserialize_util.cpp:895:",
        "Incorrect weights in bin file!",
        "",
        f"; occurred during loading ov::Model model: {model} version: {version}",
        status(model, version, "LOADING", "UNKNOWN"),
        f"[serving][error][model.cpp:149] Error occurred while loading model: {model};"
        f" version: {version}; error: Internal server error",
        f"[modelmanager][error][modelmanager.cpp:1324] Error occurred while loading model: {model}"
        " versions; error: Internal server error",
        status(model, version, "LOADING", "UNKNOWN"),
    ]


SHUTDOWN = [
    "[modelmanager][error][modelmanager.cpp:196] Couldn't start model manager",
    "[serving][error][servablemanagermodule.cpp:58] ovms::ModelManager::Start() Error: Internal"
    " server error",
    *(
        f"[serving][info][{word}.cpp:1] {word} {step}"
        for word in ("GRPCServerModule", "HTTPServerModule", "ServableManagerModule", "C-APIModule")
        for step in ("shutting down", "shutdown")
    ),
]


def test_a_cause_over_several_lines_is_one_record() -> None:
    text = log(*cut_weights("ocr", 2, "Will add model"))
    assert [item for item in records(text) if "\n" in item] == [
        f"{AT}[serving][error][modelinstance.cpp:915] Error: Exception from src/core.cpp:84:\n"
        "Check 'm_weights->size() >= offset + size' failed at src/deserialize_util.cpp:895:\n"
        "Incorrect weights in bin file!\n"
        "; occurred during loading ov::Model model: ocr version: 2"
    ]
    shown = reason_lines(text, "ocr", 2)
    assert "Incorrect weights in bin file!" in shown
    assert "Internal server error" not in shown


def test_repeated_attempts_count_once() -> None:
    again = cut_weights("ocr", 2, "Will reload model")
    text = log(*cut_weights("ocr", 2, "Will add model"), *again, *again)
    assert reason_lines(text, "ocr", 2).count("Incorrect weights") == 1


def test_the_reason_is_that_of_the_version() -> None:
    missing = [
        "[serving][info][model.cpp:141] Will add model: ocr; version: 3 ...",
        status("ocr", 3, "START"),
        "[serving][error][modelinstance.cpp:1184] Error loading model: no valid model file found"
        " for model: ocr, version: 3, path: /models/ocr/3",
        status("ocr", 3, "LOADING", "UNKNOWN"),
        "[serving][error][model.cpp:149] Error occurred while loading model: ocr; version: 3;"
        " error: File not found or cannot open",
    ]
    text = log(*cut_weights("ocr", 2, "Will add model"), *missing)
    assert "no valid model file" not in reason_lines(text, "ocr", 2)
    assert "Incorrect weights" not in reason_lines(text, "ocr", 3)
    assert "no valid model file" in reason_lines(text, "ocr", 3)
    assert "Incorrect weights" not in reason_lines(text, "ocr", 23)


def test_a_cause_that_names_nothing_is_found_by_its_place() -> None:
    text = log(
        *cut_weights("other", 1, "Will add model"),
        "[serving][info][model.cpp:251] Will reload model: ocr; version: 3 ...",
        status("ocr", 3, "LOADING"),
        "[serving][warning][modelinstance.cpp:727] OV does not support reshaping model: ocr with"
        " provided shape",
        "[modelmanager][error][modelinstance.cpp:640] Error during loading input tensors",
        status("ocr", 3, "LOADING", "UNKNOWN"),
    )
    assert reason_lines(text, "ocr", 3).splitlines() == [
        "[16107][serving][warning][modelinstance.cpp:727] OV does not support reshaping model: ocr"
        " with provided shape",
        "[16107][modelmanager][error][modelinstance.cpp:640] Error during loading input tensors",
    ]


def test_records_before_the_last_start_are_history() -> None:
    text = log(
        *cut_weights("ocr", 2, "Will add model"),
        status("ocr", 2, "END"),
        "[serving][info][model.cpp:141] Will add model: ocr; version: 2 ...",
        status("ocr", 2, "START"),
        "[modelmanager][error][modelmanager.cpp:1328] Exception occurred while loading model:"
        " filesystem error: cannot open directory: Permission denied [/m/ocr/2];",
    )
    assert "Permission denied" in reason_lines(text, "ocr", 2)
    assert "Incorrect weights" not in reason_lines(text, "ocr", 2)


def test_a_configuration_that_is_not_taken_is_the_reason_where_none_is_named() -> None:
    text = log(
        "[modelmanager][error][ov_utils.cpp:152] Plugin config key: NOPE not found in supported"
        " config keys for device: CPU.",
        "[modelmanager][info][ov_utils.cpp:153] List of supported keys for this device:",
        "[serving][error][server.cpp:3] Something else",
        status("ocr", 1, "END"),
    )
    assert "Plugin config key: NOPE" in reason_lines(text, "ocr", 1)
    assert "Something else" not in reason_lines(text, "ocr", 1)


def test_errors_then_warnings_then_the_last_lines() -> None:
    loud = log("[serving][error][server.cpp:3] Something else", "[serving][info][x.cpp:1] later")
    assert reason_lines(loud, "oc", 1) == "[16107][serving][error][server.cpp:3] Something else"
    warned = log("[modelmanager][warning][x.cpp:4] No version found for model b")
    assert "No version found" in reason_lines(warned, "b")
    assert reason_lines("one\ntwo\n\nthree\nfour\n", "m") == "two\nthree\nfour"
    assert reason_lines("", "m") == ""


def test_why_a_process_ended_at_its_start() -> None:
    words = last_words(log(*cut_weights("ocr", 1, "Will add model"), *SHUTDOWN))
    assert "Incorrect weights in bin file!" in words
    assert not any("shutdown" in word for word in words)
    usage = "usage\n" * 30 + "error parsing options - unmatched arguments: --x\n"
    assert last_words(usage)[-1] == "error parsing options - unmatched arguments: --x"
    assert len(last_words(usage)) == 10
    late = log("[serving][error][a.cpp:1] first", "[serving][info][b.cpp:1] then", "what(): boom")
    assert last_words(late)[-1] == "what(): boom"
