# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the configuration of a server: its text, its marker and its ConfigMap. Pure."""

from __future__ import annotations

from ...store import SERVING_MOUNT_PATH
from ...verify.marker import marker_entry, marker_name
from ..config.findings import Context
from ..config.options import metrics_flags
from ..config.render import Config, config_text, render
from ..spec.backend import OPERATOR
from ..spec.server import ServerSpec
from ..spec.sources import models_root


def context_of(spec: ServerSpec, config_dir: str = "") -> Context:
    """Return the lint's context: the known facts about the server."""
    flags = metrics_flags(spec.extra_args)
    mounted = models_root(spec.store) == SERVING_MOUNT_PATH
    return Context(spec.generation, config_dir, SERVING_MOUNT_PATH if mounted else "", flags)


def render_config(spec: ServerSpec) -> Config:
    """Return the rendered configuration, for a server without a user's own one."""
    return render(spec.models, spec.config, spec.generation)


def is_marked(spec: ServerSpec) -> bool:
    """Tell whether a replica reports which configuration it has loaded: see C(verify.marker).

    It does not with a user's own configuration, and not with the operator, whose pods mount a
    ConfigMap without directories.
    """
    return not spec.config.own and spec.backend != OPERATOR


def marked_text(spec: ServerSpec, config: Config) -> str:
    """Return the text of a configuration of ours, with its marker where it has one."""
    text = config_text(config)
    if not is_marked(spec):
        return text
    entry = marker_entry(marker_name(text), CONFIG_MOUNT)
    return config_text({**config, "model_config_list": [*config["model_config_list"], entry]})


CONFIG_MOUNT = "/config"


CONFIG_FILE = "config.json"


CONFIG_HASH_ANNOTATION = "openvino.edge/config-hash"


METRICS_HASH_ANNOTATION = "openvino.edge/metrics-hash"


# Annotation of the pods, and of the configuration: the last change that only a new process applies.
START_ANNOTATION = "openvino.edge/start-hash"


# Annotation of the workload, for a user's own configuration: entries whose change needs new pods.
ENTRIES_ANNOTATION = "openvino.edge/config-entries"


def config_map_name(spec: ServerSpec) -> str:
    """Return the name of the ConfigMap with the configuration, ours or the user's own."""
    return spec.config.config_map or f"{spec.name}-config"


def config_file(spec: ServerSpec) -> str:
    """Return the path of the configuration as the server sees it."""
    return spec.config.config_path or f"{CONFIG_MOUNT}/{CONFIG_FILE}"
