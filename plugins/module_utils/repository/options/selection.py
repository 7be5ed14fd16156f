# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(models) of a copy as checked selections. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ...store import directory_of
from ..content.layout import MAX_VERSION, MODEL_NAME, Selection


def selection_from_params(models: Optional[Sequence[Mapping[str, Any]]]) -> List[Selection]:
    """Return the typed C(models) option.

    Raises:
        InputError: a name is given twice, or a name or version is invalid.
    """
    chosen: Dict[str, Selection] = {}
    for item in models or ():
        name, path = _place(str(item.get("name") or ""), str(item.get("path") or ""))
        if name in chosen:
            raise InputError(
                f"model '{name}' is named twice",
                option="models",
                hint="Name it once, with all its versions",
            )
        versions = tuple(sorted(set(item.get("versions") or ())))
        if versions and not 1 <= versions[0] <= versions[-1] <= MAX_VERSION:
            raise InputError(
                f"model '{name}': versions are numbers from 1 to {MAX_VERSION}",
                option="models.versions",
            )
        chosen[name] = Selection(name, versions, path)
    return list(chosen.values())


def _place(given: str, path: str) -> Tuple[str, str]:
    """Return the model's directory on the store and where it is in the repository.

    Raises:
        InputError: a name that no directory can have, a path that leaves the repository.
    """
    name = directory_of(given)
    if not all(map(MODEL_NAME.fullmatch, (*given.split("/"), name))):
        raise InputError(
            f"'{given}' cannot be the name of a model",
            option="models.name",
            hint="Use letters, digits and _ . + @ = -, and / between names as in ORG/MODEL",
        )
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or (path and not parts):
        raise InputError(
            f"'{path}' is not a directory in the repository",
            option="models.path",
            hint="Write it from src on, for example ORG/MODEL or MODEL/FP16-INT8",
        )
    return name, "/".join(parts) or (given if given != name else "")
