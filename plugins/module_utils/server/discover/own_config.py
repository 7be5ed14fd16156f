# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and lints a user's own configuration in a ConfigMap; never changes it."""

from __future__ import annotations

import json
from typing import Any, Optional

from ...errors import InputError
from ...kube.client import KubeClient
from ...runtime import Runtime
from ...store import MANAGED_BY, MANAGED_BY_LABEL, SERVER_LABEL
from ..config.lint import lint_config
from ..config.refuse import refuse
from ..render.config import CONFIG_FILE, CONFIG_MOUNT, context_of
from ..spec.server import ServerSpec


def read_own_config(client: KubeClient, spec: ServerSpec, runtime: Runtime) -> Optional[str]:
    """Return the text of the user's own configuration, None where there is none to read.

    A file on the store cannot be read here, since only pods mount the store. If the server refuses
    it, the error has the server's log lines.

    Raises:
        InputError: no such ConfigMap or key, it is one of ours, not JSON, or refused by the lint.
    """
    name = spec.config.config_map
    if not name:
        return None
    subject = f"ConfigMap {spec.namespace}/{name}"
    item = client.get("v1", "ConfigMap", name, spec.namespace)
    text = own_text(item, spec, subject)
    findings = lint_config(parse(text, "config_map", subject), context_of(spec, CONFIG_MOUNT))
    refuse(findings, runtime, option="config_map", subject=subject)
    return text


def own_text(item: Optional[Any], spec: ServerSpec, subject: str) -> str:
    """Return the text in the user's ConfigMap.

    Raises:
        InputError: see C(read_own_config).
    """

    def refusal(message: str, hint: str) -> InputError:
        return InputError(message, option="config_map", subject=subject, hint=hint)

    if item is None:
        raise refusal("it does not exist", "Create it, or name another one")
    labels = item["metadata"].get("labels") or {}
    if labels.get(MANAGED_BY_LABEL) == MANAGED_BY and labels.get(SERVER_LABEL) == spec.name:
        hint = "Copy it to another name, or leave config_map out and use models"
        raise refusal("it was made from models for this server, and goes with them", hint)
    data = item.get("data") or {}
    if CONFIG_FILE not in data:
        there = ", ".join(sorted(data)) or "nothing"
        raise refusal(
            f"it has no key {CONFIG_FILE} (it has {there})", f"Name the key {CONFIG_FILE}"
        )
    return str(data[CONFIG_FILE])


def parse(text: str, option: str, subject: Optional[str] = None) -> Any:
    """Return the document in a configuration's text.

    Raises:
        InputError: it is not JSON; tells line and column.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(
            f"it is not JSON: {error}",
            option=option,
            subject=subject,
            hint="The server takes plain JSON, without comments and trailing commas",
        ) from None
