# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of a kubeconfig that an identity provider gives (C(auth-provider)).

This is the only place that imports the C(kubernetes) package: it renews OIDC tokens and writes
them back. Importing it costs more CPU than the rest of a whole task, so everything else of a
kubeconfig is read without it. Its results are put on a plain object, not on its C(Configuration),
whose view of proxies differs from version to version. Its exception texts can hold whole users
with their tokens, so they are never shown.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Optional

try:
    from kubernetes.config import kube_config as _library
    from kubernetes.config.config_exception import ConfigException

    IMPORT_ERROR = ""
except ImportError as _error:
    _library = None

    class ConfigException(Exception):  # type: ignore[no-redef]
        """Never raised: without the package nothing is loaded."""

    IMPORT_ERROR = str(_error)

from ...errors import AuthError, InputError, UnsupportedError


class _Target:
    """Takes the loader's results; the loader sets attributes and C(api_key) entries."""

    def __init__(self) -> None:
        self.api_key: Dict[str, str] = {}
        self.refresh_api_key_hook: Optional[Callable[[Any], None]] = None

    def authorization(self) -> Optional[str]:
        """Return the Authorization header (the key's name differs between versions)."""
        return next(iter(self.api_key.values()), None)


def load(
    source: Any, label: str, context: str, scratch: str
) -> "tuple[Optional[str], Callable[[], Optional[str]]]":
    """Let the package load a context.

    Args:
        source: existing paths divided by C(:), or a dictionary.
        label: names the source in messages.
        context: name of the context, known to be there.
        scratch: directory for what the package writes; the caller deletes it.

    Returns:
        The Authorization header and a function that returns it renewed, where that can be done.

    Raises:
        InputError: the provider cannot be asked.
        AuthError: it gave no token.
        UnsupportedError: the C(kubernetes) package is not installed.
    """
    if _library is None:
        raise UnsupportedError(
            f"the Python package kubernetes cannot be imported ({IMPORT_ERROR})",
            hint="Install it for the Python that runs Ansible: pip install kubernetes",
        )
    try:
        loader = _loader(source, context, scratch)
    except (ConfigException, AttributeError, TypeError, KeyError):
        raise InputError("is not a kubeconfig", option="kubeconfig", subject=label) from None
    target, subject = _Target(), f"{label}, context {context}"
    _run(loader, target, subject)
    if not target.api_key:
        raise AuthError(
            "the auth-provider of the kubeconfig gave no token",
            option="kubeconfig",
            subject=subject,
            hint="Log in again with the tool that wrote it; an exec plugin is the way of today",
        )

    def renew() -> Optional[str]:
        if target.refresh_api_key_hook is not None:
            target.refresh_api_key_hook(target)
        return target.authorization()

    return target.authorization(), renew


def _loader(source: Any, context: str, scratch: str) -> Any:
    if isinstance(source, dict):
        config, persist, base = source, None, os.getcwd()
    else:
        merger = _library.KubeConfigMerger(source)
        config, persist, base = merger.config, merger.save_changes, None
    return _library.KubeConfigLoader(
        config_dict=config,
        active_context=context,
        config_base_path=base,
        config_persister=persist,
        temp_file_path=scratch,
    )


def forget(scratch: str) -> None:
    """Make the loader forget files that were deleted with their directory.

    It deletes them itself only when Python exits, and Ansible's workers leave by C(os._exit).
    """
    cache = getattr(_library, "_temp_files", None)
    if isinstance(cache, dict):
        for key in [key for key, path in cache.items() if str(path).startswith(scratch)]:
            del cache[key]


def _run(loader: Any, target: _Target, subject: str) -> None:
    """Let the loader fill the target and turn what it says into our errors."""
    try:
        loader.load_and_set(target)
    except ConfigException as error:
        text = str(error)
        shown = text if text.startswith("File does not exist: ") else "a key is missing or wrong"
        raise InputError(shown, option="kubeconfig", subject=subject) from None
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise InputError(
            f"the context cannot be loaded ({type(error).__name__})",
            option="kubeconfig",
            subject=subject,
        ) from None
