# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters from kubeconfig files: one for each file, or for each context."""

from __future__ import annotations

import fnmatch
import glob
import os
from typing import Any, Dict, Iterator, List, Mapping

from ..errors import InputError
from ..kube.auth import config_files
from ..kube.auth.config_context import select
from ..secrecy import without_login
from .options import Contexts, Files
from .records import Record

# What a folder is searched for; a pattern takes whatever it matches.
ENDINGS = ("", ".yaml", ".yml", ".json", ".conf", ".config", ".kubeconfig")


def from_files(files: Files) -> List[Record]:
    """Return the clusters of all files; one that cannot be read is a broken cluster.

    Raises:
        InputError: a pattern matches no file.
    """
    paths = dict.fromkeys(path for pattern in files.patterns for path in _matching(pattern))
    return [record for path in paths for record in _of_file(path, files.every_context)]


def _matching(pattern: str) -> List[str]:
    if os.path.isdir(pattern):
        names = sorted(os.listdir(pattern))
        found = [os.path.join(pattern, name) for name in names if _is_kubeconfig(name)]
    else:
        found = sorted(glob.glob(pattern, recursive=True))
    found = [path for path in found if os.path.isfile(path)]
    if not found:
        raise InputError(
            "there is no such file",
            option="kubeconfigs",
            subject=pattern,
            hint="Relative paths begin at the folder of the inventory file; of a folder, files that"
            f" end in {', '.join(ENDINGS[1:])} or have no ending are taken",
        )
    return found


def _is_kubeconfig(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1] in ENDINGS


def _of_file(path: str, every_context: bool) -> Iterator[Record]:
    stem, ending = os.path.splitext(os.path.basename(path))
    name = stem if ending in ENDINGS else stem + ending
    facts = {"source": "kubeconfigs", "folder": os.path.basename(os.path.dirname(path))}
    origin = f"file {path}"
    way = {"edge_kubeconfig": path}
    try:
        label, dummy, config = config_files.read(path)
        contexts = _contexts(config)
        if every_context and not contexts:
            raise InputError("it has no contexts", option="kubeconfigs", subject=path)
        if not every_context:
            chosen, cluster, dummy2 = select(label, config, None)
            yield Record(name, origin, {**facts, **_told(path, chosen, cluster)}, way)
            return
    except InputError as error:
        yield Record(name, origin, {**facts, "file": path}, way, broken=str(error))
        return
    for context in contexts:
        yield _of_context(path, label, config, context, facts)


def from_contexts(wanted: Contexts, environ: Mapping[str, str]) -> List[Record]:
    """Return the contexts of a kubeconfig that match a pattern.

    Raises:
        InputError: the file cannot be read, or a pattern matches no context of it.
    """
    source = wanted.kubeconfig or config_files.default_source(environ)
    if not source:
        raise InputError(
            "there is no kubeconfig to take contexts from",
            option="kubeconfig",
            hint="Set kubeconfig, or KUBECONFIG in the environment",
        )
    label, paths, config = config_files.read(source)
    contexts = _contexts(config)
    for pattern in wanted.patterns:
        if not fnmatch.filter(contexts, pattern):
            raise InputError(
                f"no context matches {pattern!r}",
                option="contexts",
                subject=label,
                hint=f"Contexts there: {', '.join(sorted(contexts)) or 'none'}",
            )
    # Paths of the environment may be relative; tasks may run elsewhere.
    absolute = os.pathsep.join(os.path.abspath(path) for path in str(paths).split(os.pathsep))
    facts = {"source": "contexts"}
    return [
        _of_context(absolute, label, config, context, facts)
        for context in contexts
        if any(fnmatch.fnmatchcase(context, pattern) for pattern in wanted.patterns)
    ]


def _contexts(config: Mapping[str, Any]) -> List[str]:
    return list(config_files.by_name(config.get("contexts") or []))


def _of_context(
    path: str, label: str, config: Mapping[str, Any], context: str, facts: Mapping[str, Any]
) -> Record:
    origin = f"context {context} of {path}"
    way = {"edge_kubeconfig": path, "edge_context": context}
    try:
        dummy, cluster, dummy2 = select(label, config, context)
    except InputError as error:
        told: Dict[str, Any] = {**facts, "file": path, "context": context}
        return Record(context, origin, told, way, broken=str(error))
    return Record(context, origin, {**facts, **_told(path, context, cluster)}, way)


def _told(path: str, context: str, cluster: Mapping[str, Any]) -> Dict[str, Any]:
    return {"file": path, "context": context, "server": without_login(cluster["server"])}
