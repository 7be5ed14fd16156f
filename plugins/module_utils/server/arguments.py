# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments for the OVMS process that a user may add to ours."""

from __future__ import annotations

from typing import Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError

# Set from options of ours; a second one on the command line would be an error or a surprise.
OWN_FLAGS = {
    "--config_path": "models",
    "--port": "grpc_port",
    "--rest_port": "rest_port",
    "--log_level": "log_level",
    "--file_system_poll_wait_seconds": "file_system_poll_wait_seconds",
}
# With --config_path the process ends itself: "Model parameters in CLI are exclusive with the
# config file" (openvinotoolkit/model_server, src/config.cpp).
MODEL_FLAGS = (
    "--model_name",
    "--model_path",
    "--batch_size",
    "--shape",
    "--layout",
    "--nireq",
    "--target_device",
    "--plugin_config",
    "--model_version_policy",
)
# Removed in OVMS 2026.3; later processes end with exit code 64 (src/cli_parser.cpp).
REMOVED_FLAGS = (
    "--stateful",
    "--idle_sequence_cleanup",
    "--low_latency_transformation",
    "--max_sequence_number",
    "--sequence_cleaner_poll_wait_minutes",
)


def extra_args(values: Sequence[str]) -> Tuple[str, ...]:
    """Return the arguments, or say which one cannot be used and what to use instead.

    Raises:
        InputError: a flag that we set ourselves, that excludes C(--config_path), or that newer
            OVMS releases refuse.
    """
    for index, value in enumerate(values):
        flag = value.split("=", 1)[0]
        option = f"extra_args[{index}]"
        if flag in OWN_FLAGS:
            hint = f"Use the option {OWN_FLAGS[flag]}"
            raise InputError(f"{flag} is set by the collection", option=option, hint=hint)
        if flag in MODEL_FLAGS:
            raise InputError(
                f"the server refuses {flag} together with a configuration file",
                option=option,
                hint="Use the options of models",
            )
        if flag in REMOVED_FLAGS:
            raise InputError(
                f"{flag} was removed in OVMS 2026.3 and ends newer servers with exit code 64",
                option=option,
                hint="Leave it out",
            )
    return tuple(values)
