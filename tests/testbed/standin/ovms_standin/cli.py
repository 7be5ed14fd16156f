# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of `ovms`: options of src/cli_parser.cpp, checks of src/config.cpp."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ovms_standin.knobs import Generation
from ovms_standin.logs import LEVELS

EX_USAGE = 64  # sysexits.h, as src/ovms_exit_codes.hpp
MAX_PORT = 65535
MAX_REST_WORKERS = 10_000

_TEXT = [
    "grpc_bind_address",
    "rest_bind_address",
    "grpc_channel_arguments",
    "log_level",
    "log_path",
    "cache_dir",
    "metrics_list",
    "cpu_extension",
    "config_path",
    "model_name",
    "model_path",
    "batch_size",
    "shape",
    "layout",
    "target_device",
    "plugin_config",
    "model_version_policy",
    "mean",
    "scale",
    "color_format",
    "precision",
    "allowed_origins",
    "allowed_methods",
    "allowed_headers",
    "api_key_file",
    "allowed_media_domains",
    "allowed_local_media_path",
]
_NUMBER = [
    "port",
    "rest_port",
    "grpc_workers",
    "grpc_max_threads",
    "grpc_memory_quota",
    "rest_workers",
    "file_system_poll_wait_seconds",
    "custom_node_resources_cleaner_interval_seconds",
    "nireq",
]
_FLAG = ["metrics_enable", "allow_credentials", "verbose_response", "help", "version"]
#: Options that were taken out together with the TensorFlow Serving API's generation.
_REMOVED_TEXT = ["max_sequence_number"]
_REMOVED_NUMBER = ["sequence_cleaner_poll_wait_minutes"]
_REMOVED_FLAG = ["stateful", "idle_sequence_cleanup", "low_latency_transformation"]
#: Modes of `ovms` that start no server; a stand-in for the server has no use for them.
_NOT_IMITATED = [
    "pull",
    "source_model",
    "model_repository_path",
    "task",
    "overwrite_models",
    "gguf_filename",
    "weight-format",
    "extra_quantization_params",
    "source_loras",
    "add_to_config",
    "remove_from_config",
    "list_models",
]
_SINGLE_MODEL = [
    "batch_size",
    "shape",
    "layout",
    "nireq",
    "target_device",
    "plugin_config",
    "model_version_policy",
    "mean",
    "scale",
    "color_format",
    "precision",
]


class UsageError(Exception):
    """The command line is refused: the text goes to stderr, the exit code is 64."""


@dataclass
class Options:
    """The parsed command line; option names are those of `ovms` without dashes."""

    values: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """A text option."""
        return str(self.values.get(name, default))

    def number(self, name: str, default: int = 0) -> int:
        """A whole-number option."""
        return int(self.values.get(name, default))

    def flag(self, name: str, default: bool = False) -> bool:
        """A yes/no option."""
        return bool(self.values.get(name, default))


def _kinds(generation: Generation) -> dict[str, Callable[[str], Any]]:
    old = generation is Generation.TFS
    kinds: dict[str, Callable[[str], Any]] = dict.fromkeys(_TEXT + _NOT_IMITATED, str)
    kinds.update(dict.fromkeys(_NUMBER, _whole))
    kinds.update(dict.fromkeys(_FLAG, _boolean))
    if old:
        kinds.update(dict.fromkeys(_REMOVED_TEXT, str))
        kinds.update(dict.fromkeys(_REMOVED_NUMBER, _whole))
        kinds.update(dict.fromkeys(_REMOVED_FLAG, _boolean))
    return kinds


def _whole(text: str) -> int:
    try:
        value = int(text, 0)
    except ValueError as error:
        raise _unparsed(text) from error
    if value < 0:
        raise _unparsed(text)
    return value


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "t", "1"):
        return True
    if text.lower() in ("false", "f", "0"):
        return False
    raise _unparsed(text)


def _unparsed(text: str) -> UsageError:
    """The words of cxxopts, with its quotes."""
    quoted = f"\N{LEFT SINGLE QUOTATION MARK}{text}\N{RIGHT SINGLE QUOTATION MARK}"
    return UsageError(f"error parsing options: Argument {quoted} failed to parse")


def parse(argv: Sequence[str], generation: Generation) -> Options:
    """Parse `argv` (without the program's name).

    Raises UsageError for unknown options, each with the words that follow it, and bad values.
    """
    kinds = _kinds(generation)
    options, unmatched = Options(), []
    words = list(argv)
    while words:
        word = words.pop(0)
        name, equals, value = word[2:].partition("=")
        kind = kinds.get(name) if word.startswith("--") else None
        if kind is None:
            unmatched.append(word)
            continue
        if not equals:
            value = _next_value(name, kind, words)
        options.values[name] = kind(value)
    if unmatched:
        listed = "".join(word + ", " for word in unmatched)
        raise UsageError(f"error parsing options - unmatched arguments: {listed}")
    return options


def _next_value(name: str, kind: Callable[[str], Any], words: list[str]) -> str:
    if kind is _boolean or name in ("pull", "list_models", "overwrite_models"):
        return "true"
    if not words:
        raise UsageError(f"error parsing options: Option '{name}' is missing an argument")
    return words.pop(0)


def core_count() -> int:
    """All cores; where OVMS sees a container: its affinity, cut by the control group's quota."""
    if not in_container():
        return os.cpu_count() or 1
    cores, quota = len(os.sched_getaffinity(0)), cpu_quota()
    return min(cores, quota) if quota else cores


def in_container(root: Path = Path("/")) -> bool:
    """Whether OVMS takes the machine for a container (isRunningInDocker in src/systeminfo.cpp).

    Under containerd with cgroup v2 it does not: /proc/self/cgroup says `0::/` there.
    """
    if any((root / mark).exists() for mark in (".dockerenv", "run/.containerenv")):
        return True
    try:
        groups = (root / "proc/self/cgroup").read_text()
    except OSError:
        return False
    return "docker" in groups or "kubepods" in groups


def cpu_quota(root: Path = Path("/")) -> int:
    """The quota of the control group in whole CPUs, rounded up; 0 when there is none."""
    groups = root / "sys/fs/cgroup"
    try:
        limit, period = (groups / "cpu.max").read_text().split()
        return 0 if limit == "max" else -(-int(limit) // int(period))
    except (OSError, ValueError):
        pass
    try:
        limit = (groups / "cpu/cpu.cfs_quota_us").read_text()
        period = (groups / "cpu/cpu.cfs_period_us").read_text()
        return max(0, -(-int(limit) // int(period)))
    except (OSError, ValueError):
        return 0


def validate(options: Options) -> None:
    """The checks of Config::validate. Raises UsageError with OVMS's text."""
    for name in _NOT_IMITATED:
        if name in options.values:
            raise UsageError(f"--{name}: the stand-in imitates the server only")
    _check_model_source(options)
    _check_workers(options)
    _check_ports(options)
    _check_metrics(options)
    _check_addresses(options)
    _check_rest(options)


def _check_model_source(options: Options) -> None:
    config, name, path = (options.text(o) for o in ("config_path", "model_name", "model_path"))
    if config and (name or path):
        raise UsageError("Use either config_path or model_path with model_name")
    if not config and not (name and path):
        raise UsageError("Use config_path or model_path with model_name")
    if config and any(options.values.get(o) for o in _SINGLE_MODEL):
        raise UsageError("Model parameters in CLI are exclusive with the config file")


def _check_workers(options: Options) -> None:
    cores = core_count()
    if not 1 <= options.number("grpc_workers", 1) <= cores:
        raise UsageError(f"grpc_workers count should be from 1 to CPU core count : {cores}")
    if "rest_workers" not in options.values:
        return
    workers = max(2, options.number("rest_workers"))  # 0 and 1 mean 2
    if workers > MAX_REST_WORKERS:
        raise UsageError(f"rest_workers count should be from 2 to {MAX_REST_WORKERS}")
    if options.number("rest_port") == 0:
        raise UsageError(
            "rest_workers is set but rest_port is not set. "
            "rest_port is required to start rest servers"
        )
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if workers > (files - 15) // 6:  # the bound of src/config.cpp
        raise UsageError(
            f"rest_workers count cannot be larger than {(files - 15) // 6} "
            f"due to open files limit. Current open files limit: {files}"
        )


def _check_ports(options: Options) -> None:
    for name in ("port", "rest_port"):
        if options.number(name) > MAX_PORT:
            raise UsageError(f"{name} number out of range from 0 to {MAX_PORT}")
    port, rest = options.number("port"), options.number("rest_port")
    if port == rest == 0:
        raise UsageError("port and rest_port cannot both be unset")
    if port == rest:
        raise UsageError("port and rest_port cannot have the same values")


def _check_metrics(options: Options) -> None:
    if options.flag("metrics_enable") and options.number("rest_port") == 0:
        raise UsageError("rest_port setting is missing, metrics are enabled on rest port")
    if options.text("metrics_list") and not options.flag("metrics_enable"):
        raise UsageError(
            "metrics_enable setting is missing, required when metrics_list is provided"
        )


_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"({_LABEL}\.)*{_LABEL}")
_NUMERIC = re.compile(r"[0-9A-Fa-f.:]+")


def _is_address(text: str) -> bool:
    """What could be a number has to be an address, the rest a host's name."""
    if not _NUMERIC.fullmatch(text):
        return _HOST.fullmatch(text) is not None
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_addresses(options: Options) -> None:
    for name in ("rest_bind_address", "grpc_bind_address"):
        for address in filter(None, options.text(name).split(",")):
            if not _is_address(address):
                raise UsageError(
                    f"{name} has invalid format: proper hostname or IP address expected."
                )


def _check_rest(options: Options) -> None:
    extension = options.text("cpu_extension")
    if extension and not os.path.exists(extension):
        raise UsageError(
            "File path provided as an --cpu_extension parameter does not exist "
            f"in the filesystem: {extension}"
        )
    if options.text("log_level", "INFO") not in LEVELS:
        raise UsageError(f"log_level should be one of: {', '.join(LEVELS)}")
    if set(options.values) & set(_REMOVED_FLAG[1:] + _REMOVED_TEXT) and not options.flag(
        "stateful"
    ):
        raise UsageError(
            "Setting low_latency_transformation, max_sequence_number and idle_sequence_cleanup "
            "require setting stateful flag for the model."
        )
    changes = any(options.text(o) for o in ("mean", "scale", "color_format", "precision"))
    if changes and not options.text("layout"):
        raise UsageError("mean, scale, color_format and precision require layout to be set")


def single_model_entry(options: Options) -> dict[str, Any]:
    """The options of single-model mode in the form of a `config` entry of config.json.

    `plugin_config` and `model_version_policy` stay texts when they are no JSON: the model
    manager refuses them, with its own log line.
    """
    entry: dict[str, Any] = {
        "name": options.text("model_name"),
        "base_path": options.text("model_path"),
    }
    for name in ("batch_size", "shape", "layout", "target_device", "nireq"):
        if options.values.get(name):
            entry[name] = options.values[name]
    for name in ("plugin_config", "model_version_policy"):
        if options.text(name):
            entry[name] = _json_or_text(options.text(name))
    return entry


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
