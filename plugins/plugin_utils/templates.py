# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles each template once for a run of Ansible, where each worker would do it anew.

Ansible forks a worker for each task on each host. What a worker compiles is lost with it, so the
templates of a role are compiled once for each host, which is half of what such a task costs. Here
workers share compiled templates in memory that exists since before they were forked. Only rollouts
over a fleet do so, which do the same on each cluster; C(EDGE_SHARE_TEMPLATES=0) switches it
off.

What Jinja makes of a template depends on its text and on settings of its environment alone, so
nobody can tell the difference. Whatever goes wrong here, the template is compiled as ever.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import marshal
import mmap
import multiprocessing
import os
import struct
import threading
from types import CodeType
from typing import Any, Dict, Optional

from ansible.plugins.loader import filter_loader, test_loader
from jinja2 import Environment, nodes

SWITCH = "EDGE_SHARE_TEMPLATES"
# Bytes for compiled templates; one takes some 2 KB, and a run of all roles has less than 200. Pages
# that nobody writes to take no memory.
SIZE = 8 << 20
_USED = struct.Struct("<Q")
_HEAD = struct.Struct("<16sI")
_KEY_BYTES = 16
# What Jinja's lexer, parser and code generator look at (jinja2.environment.Environment).
_SETTINGS = (
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "line_statement_prefix",
    "line_comment_prefix",
    "trim_blocks",
    "lstrip_blocks",
    "newline_sequence",
    "keep_trailing_newline",
    "optimized",
    "autoescape",
    "is_async",
)


class SharedCode:
    """Compiled templates by key, for this process and all that are forked from it.

    No process ever waits for another one: where the memory is in use at the moment, nothing is
    found and nothing is kept.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._memory = mmap.mmap(-1, size)
        self._lock = multiprocessing.get_context("fork").Lock()
        self._seen = _USED.size
        self._known: Dict[bytes, bytes] = {}
        _USED.pack_into(self._memory, 0, self._seen)

    def get(self, key: bytes) -> Optional[CodeType]:
        """Return a compiled template; None if there is none."""
        data = self._known.get(key)
        if data is None:
            with self._held() as held:
                if held:
                    self._look()
            data = self._known.get(key)
        if data is None:
            return None
        code = marshal.loads(data)
        return code if isinstance(code, CodeType) else None

    def put(self, key: bytes, code: CodeType) -> None:
        """Keep a compiled template, if there is room."""
        data = marshal.dumps(code)
        self._known[key] = data
        with self._held() as held:
            if not held:
                return
            self._look()
            start = self._seen
            end = start + _HEAD.size + len(data)
            if end > len(self._memory):
                return
            _HEAD.pack_into(self._memory, start, key, len(data))
            self._memory[start + _HEAD.size : end] = data
            _USED.pack_into(self._memory, 0, end)
            self._seen = end

    def _look(self) -> None:
        """Read what others have kept since the last look."""
        (used,) = _USED.unpack_from(self._memory, 0)
        while self._seen < used:
            key, length = _HEAD.unpack_from(self._memory, self._seen)
            start = self._seen + _HEAD.size
            self._known[key] = self._memory[start : start + length]
            self._seen = start + length

    @contextlib.contextmanager
    def _held(self) -> Any:
        held = self._lock.acquire(block=False)
        try:
            yield held
        finally:
            if held:
                self._lock.release()


# The text of the expression that a thread is compiling.
_expression = threading.local()


def _text_of(tree: Any) -> Optional[str]:
    """Return what a tree was parsed from, if that is the expression that is being compiled."""
    source = getattr(_expression, "source", None)
    if source is None or not isinstance(tree, nodes.Template):
        return None
    return f"an expression: {source}"


def load_jinja_plugins() -> None:
    """Load the filters and tests that come with Ansible, which each worker would load anew."""
    for loader in (filter_loader, test_loader):
        for _plugin in loader.all():
            pass


def share_compiled() -> bool:
    """Have Jinja take compiled templates from what this process and its children share.

    Returns:
        Whether it does from now on.
    """
    original: Any = Environment.compile
    if os.environ.get(SWITCH) == "0" or hasattr(original, "shared"):
        return False
    shared = SharedCode()

    @functools.wraps(original)
    def compile(self: Environment, source: Any, *args: Any, **kwargs: Any) -> Any:
        text = source if isinstance(source, str) else _text_of(source)
        key = None if text is None or args or kwargs else _key(self, text)
        if key is None:
            return original(self, source, *args, **kwargs)
        code = shared.get(key)
        if code is None:
            code = original(self, source)
            if isinstance(code, CodeType):
                shared.put(key, code)
        return code

    compile.shared = shared  # type: ignore[attr-defined]
    Environment.compile = compile  # type: ignore[method-assign]
    Environment.compile_expression = _naming(Environment.compile_expression)  # type: ignore[method-assign]
    return True


def _naming(original: Any) -> Any:
    """Return C(Environment.compile_expression), which compiles a tree, with its text made known."""

    @functools.wraps(original)
    def compile_expression(self: Environment, source: Any, *args: Any, **kwargs: Any) -> Any:
        _expression.source = source if isinstance(source, str) else None
        try:
            return original(self, source, *args, **kwargs)
        finally:
            _expression.source = None

    return compile_expression


def _key(environment: Environment, source: str) -> Optional[bytes]:
    """Return the key of a template; None for one whose form depends on more.

    Ansible doubles backslashes in some texts and not in others that read the same.
    """
    if "\\" in source:
        return None
    kind = type(environment)
    settings = [getattr(environment, name, None) for name in _SETTINGS]
    if any(callable(value) for value in settings):
        return None
    words = (kind.__module__, kind.__qualname__, settings, sorted(environment.extensions), source)
    return hashlib.sha256(repr(words).encode("utf-8", "surrogatepass")).digest()[:_KEY_BYTES]
