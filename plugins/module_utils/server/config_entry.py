# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.model_config: renders or lints a configuration; no cluster."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional

from .. import whole
from ..errors import InputError
from ..runtime import Params, Result, Runtime
from ..store import SERVING_MOUNT_PATH
from .config.findings import ERROR, Context, Finding
from .config.generation import GRAPHS_AMONG_MODELS, Generation, generation_of
from .config.lint import lint_config
from .config.models import MODEL_OPTIONS, models_from_items
from .config.options import RENDER_OPTIONS, config_from_params, metrics_flags
from .config.refuse import refuse
from .config.render import config_text, render
from .config.to_options import GRAPH_FILE, options_of, plain_entries
from .discover.own_config import parse

SOURCES = ("models", "config", "src")
ARGUMENT_SPEC: Dict[str, Any] = {
    **RENDER_OPTIONS,
    "models": {"type": "list", "elements": "dict", "options": MODEL_OPTIONS},
    "config": {"type": "dict"},
    "src": {"type": "path"},
    "image": {"type": "str"},
    "config_dir": {"type": "str"},
    "extra_args": {"type": "list", "elements": "str", "default": []},
    "dest": {"type": "path"},
}
SPEC_RULES: Dict[str, Any] = {
    "mutually_exclusive": [
        SOURCES,
        *(
            (own, other)
            for own in ("config", "src")
            for other in ("pipelines", "custom_node_libraries", "monitoring")
        ),
    ],
    "required_one_of": [SOURCES],
}


def run(params: Params, runtime: Runtime) -> Result:
    """Render or read a configuration, lint it, and write it if that is asked for.

    Raises:
        InputError: an option is invalid, C(src) is not JSON, or C(dest) is given and the
            configuration has errors.
    """
    generation = generation_of(params.get("ovms_version"), params.get("image") or "")
    config = _config(params, generation)
    findings = lint_config(config, _context(params, generation))
    result: Result = {
        "changed": False,
        "config": config,
        "findings": [_shown(finding) for finding in findings],
        "valid": not any(finding.level == ERROR for finding in findings),
        "release": "{}.{}".format(*generation.release) if generation.release else None,
    }
    if params.get("models") is None and result["valid"]:
        draft = options_of(config, _graphs_beside(params, config, generation))
        result["options"] = draft.options
        result["left_out"] = draft.left_out
        result["notes"] = draft.notes
    if params.get("dest"):
        option = next((name for name in ("config", "src") if params.get(name) is not None), None)
        refuse(findings, Runtime(), option=option)
        result.update(_write(params["dest"], config_text(config), runtime))
    return result


def _config(params: Params, generation: Generation) -> Any:
    if params.get("models") is not None:
        models = models_from_items(params["models"])
        return render(models, config_from_params(params), generation)
    if params.get("config") is not None:
        return params["config"]
    return parse(_read(params["src"], "src") or "", "src", params["src"])


def _context(params: Params, generation: Generation) -> Context:
    """Return the lint's context; the store's mount matters only if C(config_dir) is known."""
    config_dir = params.get("config_dir") or ""
    models_path = SERVING_MOUNT_PATH if config_dir else ""
    return Context(generation, config_dir, models_path, metrics_flags(params["extra_args"]))


def _graphs_beside(params: Params, config: Any, generation: Generation) -> Dict[str, int]:
    """Return the entries that are graphs by their files, as OVMS detects it, with the version.

    OVMS takes an entry for a graph if there is C(graph.pbtxt) in its directory, or in C(1) below.
    """
    if not params.get("src") or generation.before(GRAPHS_AMONG_MODELS):
        return {}
    top = os.path.dirname(os.path.abspath(params["src"]))
    found: Dict[str, int] = {}
    for name, path in plain_entries(config):
        for version, place in ((1, os.path.join(path, "1")), (0, path)):
            if os.path.isfile(os.path.join(top, place, GRAPH_FILE)):
                found[name] = version
    return found


def _shown(finding: Finding) -> Mapping[str, str]:
    names = ("level", "path", "message", "hint")
    return {name: str(getattr(finding, name)) for name in names}


def _read(path: str, option: str, *, missing_ok: bool = False) -> Optional[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        if missing_ok:
            return None
        raise InputError("there is no such file", option=option, subject=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"it cannot be read: {error}", option=option, subject=path) from None


def _write(path: str, text: str, runtime: Runtime) -> Dict[str, Any]:
    """Write the file atomically if it differs, and return the diff."""
    before = _read(path, "dest", missing_ok=True)
    done: Dict[str, Any] = {"changed": before != text, "dest": path}
    if runtime.diff and before != text:
        heads = {"before_header": path, "after_header": path}
        done["diff"] = {**heads, "before": before or "", "after": text}
    if before != text and not runtime.check_mode:
        _replace(path, text)
    return done


def _replace(path: str, text: str) -> None:
    try:
        whole.replace(path, text)
    except OSError as error:
        message = f"it cannot be written: {error}"
        raise InputError(message, option="dest", subject=path) from None
