# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that an earlier task of a run would have made by now, if it was not in check mode. Pure.

A task in check mode that makes a namespace or a claim returns its definition, and later tasks take
it. For them such an object is there as it is defined, as long as the cluster has none of its name.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..errors import InputError
from .ownership import CLAIM, HOLDERS, NAMESPACE

OPTION = "planned_objects"
PLANNED_ARGUMENT_SPEC: Dict[str, Any] = {OPTION: {"type": "list", "elements": "dict"}}

# The API has no object with such a field, so it tells what is only planned from what is there.
_MARK = "openvino.edge/planned"

Object = Mapping[str, Any]
Key = Tuple[str, str, Optional[str]]


def is_planned(item: Optional[Object]) -> bool:
    """Tell whether an object is not there yet."""
    return bool((item or {}).get(_MARK))


def planned_from_params(params: Mapping[str, Any]) -> Dict[Key, Dict[str, Any]]:
    """Return the option C(planned_objects), by kind, name and namespace.

    Raises:
        InputError: an item is no namespace or claim, or nothing tells its name.
    """
    found: Dict[Key, Dict[str, Any]] = {}
    for position, item in enumerate(params.get(OPTION) or ()):
        kind, meta = item.get("kind"), item.get("metadata")
        name = meta.get("name") if isinstance(meta, Mapping) else None
        namespace = meta.get("namespace") if isinstance(meta, Mapping) else None
        if kind not in HOLDERS or not name or bool(namespace) != (kind == CLAIM):
            raise InputError(
                "it is not the definition of a Namespace or of a PersistentVolumeClaim",
                option=f"{OPTION}[{position}]",
                hint="Give what openvino.edge.objects or preflight_info returned in check mode",
            )
        found[kind, str(name), namespace] = {"apiVersion": "v1", **item, _MARK: True}
    return found


def namespaces_in(planned: Iterable[Key]) -> List[str]:
    """Return the names of the namespaces among planned objects."""
    return [name for kind, name, _namespace in planned if kind == NAMESPACE]


def as_defined(item: Object) -> Dict[str, Any]:
    """Return an object as the option takes it: without status, and without the mark."""
    return {key: value for key, value in item.items() if key not in (_MARK, "status")}
