# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of a kubeconfig that a plugin or an identity provider gives.

This is the only place that imports the C(kubernetes) package: it runs exec plugins and renews
OIDC tokens. Importing it costs more CPU than the rest of a whole task, so contexts with plain
certificates, tokens or passwords are read without it. Its results are put on a plain object, not
on its C(Configuration), whose view of proxies differs from version to version. Its exception
texts can hold whole users with their tokens, so they are never shown.
"""

from __future__ import annotations

import logging
import os
import shutil
from typing import Any, Callable, Dict, List, Mapping, Optional

try:
    from kubernetes.config import kube_config as _library
    from kubernetes.config.config_exception import ConfigException

    IMPORT_ERROR = ""
except ImportError as _error:
    _library = None

    class ConfigException(Exception):  # type: ignore[no-redef]
        """Never raised: without the package nothing is loaded."""

    IMPORT_ERROR = str(_error)

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    AuthError,
    InputError,
    UnsupportedError,
)


class _Target:
    """Takes the loader's results; the loader sets attributes and C(api_key) entries."""

    def __init__(self) -> None:
        self.api_key: Dict[str, str] = {}
        self.refresh_api_key_hook: Optional[Callable[[Any], None]] = None

    def authorization(self) -> Optional[str]:
        """Return the Authorization header (the key's name differs between versions)."""
        return next(iter(self.api_key.values()), None)


class _Errors(logging.Handler):
    """Collects what the loader only logs: a failed exec plugin."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text."""
        self.texts.append(record.getMessage())


def load(
    source: Any, label: str, context: str, user: Mapping[str, Any], scratch: str
) -> "tuple[Any, Callable[[], Optional[str]]]":
    """Let the package load a context.

    Args:
        source: existing paths divided by C(:), or a dictionary.
        label: names the source in messages.
        context: name of the context, known to be there.
        user: its user.
        scratch: directory for certificates that are given inline; the caller deletes it.

    Returns:
        What was loaded (C(ssl_ca_cert), C(cert_file), C(key_file), where given) and a function
        that returns the Authorization header, renewed where that can be done.

    Raises:
        InputError: a file or a program is missing.
        AuthError: the exec plugin gave no credentials.
        UnsupportedError: the C(kubernetes) package is not installed.
    """
    if _library is None:
        raise UnsupportedError(
            f"the Python package kubernetes cannot be imported ({IMPORT_ERROR})",
            hint="Install it for the Python that runs Ansible: pip install kubernetes",
        )
    subject = f"{label}, context {context}"
    _check_exec(label, user)
    try:
        loader = _loader(source, context, scratch)
    except (ConfigException, AttributeError, TypeError, KeyError):
        raise InputError("is not a kubeconfig", option="kubeconfig", subject=label) from None
    target = _Target()
    _run(loader, target, subject, "exec" in user)

    def renew() -> Optional[str]:
        if target.refresh_api_key_hook is not None:
            target.refresh_api_key_hook(target)
        return target.authorization()

    return target, renew


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


def _run(loader: Any, target: _Target, subject: str, uses_exec: bool) -> None:
    """Let the loader fill the target and turn what it says into our errors."""
    errors = _Errors()
    logging.getLogger().addHandler(errors)
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
    finally:
        logging.getLogger().removeHandler(errors)
    if uses_exec and not (target.api_key or getattr(target, "cert_file", None)):
        reason = "; ".join(text.strip()[:300] for text in errors.texts) or "no credentials"
        raise AuthError(
            f"the exec plugin of the kubeconfig failed: {reason}",
            option="kubeconfig",
            subject=subject,
            hint="Run kubectl get namespaces with the same kubeconfig and log in again",
        )


def _check_exec(label: str, user: Mapping[str, Any]) -> None:
    command = (user.get("exec") or {}).get("command")
    if command and os.sep not in command and shutil.which(command) is None:
        raise InputError(
            f"the exec plugin {command!r} of the kubeconfig is not installed here",
            option="kubeconfig",
            subject=label,
            hint=f"Install {command} where the task runs, or use a token (api_key)",
        )
