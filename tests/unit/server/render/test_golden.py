# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole objects of a few typical servers, in files: what a change means is seen in its diff.

Each file has two documents: the options, and the objects that follow from them. After a change
that is meant, ``EDGE_GOLDEN=write`` writes the second one anew, to be read before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import ClusterFacts
from ansible_collections.openvino.edge.plugins.module_utils.server.render.identity import (
    INPUT_HASH_ANNOTATION,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)

from ..conftest import MakeSpec

FILES = sorted(Path(__file__).with_name("golden").glob("*.yml"))
# What a cluster would tell: the claim's modes, and the key of the mark for given credentials.
FACTS = ClusterFacts(access_modes=("ReadWriteOnce",), salt="5a17")


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are, lists indented, and no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def without_hash(item: dict[str, Any]) -> dict[str, Any]:
    """Return the object without the hash over the rest of it."""
    metadata = dict(item["metadata"])
    annotations = dict(metadata.pop("annotations"))
    assert len(annotations.pop(INPUT_HASH_ANNOTATION)) == 32
    return {
        **item,
        "metadata": {**metadata, **({"annotations": annotations} if annotations else {})},
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_objects_are_those_in_the_file(path: Path, spec: MakeSpec) -> None:
    head, _line, old = path.read_text(encoding="utf-8").partition("\n---\n")
    options = yaml.safe_load(head)
    found = [without_hash(item) for item in render_objects(spec(**options), FACTS)]
    if os.environ.get("EDGE_GOLDEN") == "write":
        new = yaml.dump(found, Dumper=_Dumper, sort_keys=False, width=100)
        path.write_text(f"{head}\n---\n{new}", encoding="utf-8")
    assert found == yaml.safe_load(old)


def test_there_are_files() -> None:
    assert len(FILES) >= 5
