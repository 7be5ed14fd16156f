# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the command line of OVMS: flags become options of the server and of its model. Pure.

Flags: openvinotoolkit/model_server, src/cli_parser.cpp.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ..chart import rules
from ..chart.rules import FIRST_PORT, STATEFUL, Draft
from ..spec.argument_spec import LOG_LEVELS

_PATH = "args --{}"
# Flags that need no value.
_SWITCHES = ("metrics_enable", "stateful", "pull", "list_models", "overwrite_models")
_STATEFUL = ("idle_sequence_cleanup", "low_latency_transformation", "max_sequence_number")
_OF_MODEL = ("target_device", "nireq", "batch_size", "plugin_config", "model_version_policy")
# With these OVMS gets and serves one generative model by itself, without a configuration file.
_GENERATIVE = (
    *("source_model", "model_repository_path", "task", "pull", "list_models", "gguf_filename"),
    *("overwrite_models", "add_to_config", "remove_from_config", "weight-format"),
)
_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


@dataclass
class Served:
    """What the command line says of what is served.

    Attributes:
        name: of the model; empty: not given.
        path: of the model; empty: not given.
        config: the server's own configuration file; empty: it serves one model.
        generative: OVMS gets a generative model by itself.
    """

    name: str = ""
    path: str = ""
    config: str = ""
    generative: bool = False


Flag = Tuple[str, Optional[str], List[str]]


def flags_of(container: Mapping[str, Any]) -> List[Flag]:
    """Return each flag with its value and the words that it was written with."""
    plain = {item["name"]: item["value"] for item in container.get("env") or () if "value" in item}
    words = [
        _VARIABLE.sub(lambda match: str(plain.get(match.group(1), match.group(0))), str(word))
        for word in (*(container.get("command") or ())[1:], *(container.get("args") or ()))
    ]
    found: List[Flag] = []
    index = 0
    while index < len(words):
        word, index = words[index], index + 1
        name, equals, value = word.partition("=")
        name = name[2:] if name.startswith("--") else ""
        if equals or not name:
            found.append((name, value if equals else None, [word]))
        elif name in _SWITCHES or index == len(words) or words[index].startswith("--"):
            found.append((name, None, [word]))
        else:
            found.append((name, words[index], [word, words[index]]))
            index += 1
    return found


def starts_ovms(container: Mapping[str, Any]) -> bool:
    """Tell whether the command, if there is one, is OVMS itself."""
    command = container.get("command") or ()
    return not command or posixpath.basename(str(command[0])) == "ovms"


def read(draft: Draft, flags: Sequence[Flag]) -> Served:
    """Set the options, and return what is served.

    Of a flag that is given twice OVMS takes the last.

    Raises:
        InputError: a value that OVMS would not take either.
    """
    last: Dict[str, Flag] = {}
    for flag in flags:
        if flag[0] and flag[0] in last:
            draft.drop(_PATH.format(flag[0]), last[flag[0]][1], "it is given again behind it")
        last[flag[0] or " ".join(flag[2])] = flag
    name, path, config = (str((last.pop(key, None) or ("", ""))[1] or "") for key in _WHAT)
    served = Served(name, path, config)
    served.generative = any(name in last for name in ("source_model", "task", "pull"))
    if "stateful" in last:
        value = last.pop("stateful")[1]
        draft.given[STATEFUL] = value is None or rules.as_bool(value)
        rules.stateful(draft, _PATH.format("stateful"), "models[].stateful", value or True)
    for key, (_name, value, words) in last.items():
        _flag(draft, served, key, value, words)
    return served


_WHAT = ("model_name", "model_path", "config_path")


def _flag(
    draft: Draft, served: Served, name: str, value: Optional[str], words: Sequence[str]
) -> None:
    path, text = _PATH.format(name), value if value is not None else "true"
    if name in _OF_MODEL or name in ("shape", "layout") or name in _STATEFUL:
        _of_model(draft, served, name, text)
    elif name in ("port", "rest_port"):
        _port(draft, path, "grpc_port" if name == "port" else name, text)
    elif name in ("grpc_workers", "rest_workers", "file_system_poll_wait_seconds"):
        _number(draft, path, name, text)
    elif name == "log_level":
        level = text.upper()
        if level in LOG_LEVELS:
            draft.put("log_level", level)
        else:
            draft.drop(path, value, "OVMS has no such level")
    elif name in ("metrics_enable", "metrics_list"):
        _metrics(draft, served, name, value, words)
    elif name == "sequence_cleaner_poll_wait_minutes":
        rules.cleaner(draft, path, "extra_args", text)
    elif served.generative and (name in _GENERATIVE or name not in _COMMON):
        why = "OVMS takes it only without a configuration file, which model_server writes"
        draft.drop(path, value if value is not None else True, why)
    elif name in _GENERATIVE:
        draft.drop(path, value, "OVMS takes it only together with task or source_model")
    else:
        draft.options.setdefault("extra_args", []).extend(words)


# Flags that are the same beside a generative model; others may be settings of its task.
_COMMON = (
    *("grpc_bind_address", "rest_bind_address", "grpc_channel_arguments", "cache_dir"),
    *("cpu_extension", "log_path", "trace_path", "grpc_max_threads", "grpc_memory_quota"),
    *("api_key_file", "allowed_local_media_path", "allowed_origins", "allowed_methods"),
)


def _of_model(draft: Draft, served: Served, name: str, text: str) -> None:
    path = _PATH.format(name)
    if served.config:
        draft.drop(path, text, "the configuration file says it, and OVMS refuses both")
    elif name == "plugin_config":
        rules.plugin_config(draft, path, f"models[].{name}", text)
    elif name == "model_version_policy":
        rules.version_policy(draft, path, "models[].version_policy", text)
    elif name in _STATEFUL:
        rules.stateful(draft, path, f"models[].{name}", text)
    elif name in ("shape", "layout"):
        draft.model[name] = _by_input(text)
    else:
        rules.of_model(draft, path, f"models[].{name}", text)


def _by_input(text: str) -> Any:
    """Return a shape or layout; of several inputs it is JSON."""
    if not text.strip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _port(draft: Draft, path: str, option: str, text: str) -> None:
    """Take a port of the pods, which is the port of the Service as well."""
    number = _whole(draft, path, text)
    if number is None:
        return
    if FIRST_PORT <= number <= 65535:
        draft.put(option, number)
    else:
        draft.drop(path, text, f"a port of the pods is {FIRST_PORT} to 65535")


def _number(draft: Draft, path: str, option: str, text: str) -> None:
    number = _whole(draft, path, text)
    if number is not None:
        draft.put(option, number)


def _whole(draft: Draft, path: str, text: str) -> Optional[int]:
    try:
        return rules.as_int(path, text)
    except InputError as error:
        draft.drop(path, text, error.message)
        return None


def _metrics(
    draft: Draft, served: Served, name: str, value: Optional[str], words: Sequence[str]
) -> None:
    """Take the metrics; with a configuration of one's own they are arguments."""
    if served.config:
        draft.options.setdefault("extra_args", []).extend(words)
    elif name == "metrics_enable":
        draft.put("monitoring.enable", value is None or rules.as_bool(value))
    else:
        rules.commas(draft, _PATH.format(name), "monitoring.metrics_list", value or "")
