# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one context of a kubeconfig with the C(kubernetes) package's loader.

The loader runs exec plugins and renews OIDC tokens. Its results are put on a plain object, not
on its C(Configuration), whose view of proxies differs from version to version. Its exception
texts can hold whole users with their tokens, so they are never shown.
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

try:
    import yaml
    from kubernetes.config import kube_config as _library
    from kubernetes.config.config_exception import ConfigException

    IMPORT_ERROR = ""
except ImportError as _error:
    _library = None
    ConfigException = Exception
    IMPORT_ERROR = str(_error)

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    AuthError,
    InputError,
    UnsupportedError,
)

DEFAULT_PATH = "~/.kube/config"
_SECTIONS = ("clusters", "contexts", "users")


@dataclass
class Loaded:
    """What a context says; files may lie in the directory given for temporary files."""

    source: str
    host: str
    ca_cert: Optional[str]
    client_cert: Optional[str]
    client_key: Optional[str]
    verify: bool
    server_name: Optional[str]
    proxy: Optional[str]
    authorization: Optional[str]
    refresh: Optional[Callable[[], Optional[str]]]


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


def default_source(environ: Mapping[str, str]) -> Optional[str]:
    """Return the kubeconfig kubectl would take, None when there is none."""
    if environ.get("KUBECONFIG"):
        return environ["KUBECONFIG"]
    return DEFAULT_PATH if os.path.exists(os.path.expanduser(DEFAULT_PATH)) else None


def load(source: Any, context: Optional[str], scratch: str) -> Loaded:
    """Load a context.

    Args:
        source: a path (C(~) is expanded; several, divided by C(:), are merged) or a dictionary.
        context: its name; None takes the current one.
        scratch: directory for certificates that are given inline; the caller deletes it.

    Raises:
        InputError: missing file, not YAML, unknown context, missing cluster or user.
        AuthError: the exec plugin gave no credentials.
        UnsupportedError: the C(kubernetes) package is not installed.
    """
    if _library is None:
        raise UnsupportedError(
            f"the Python package kubernetes cannot be imported ({IMPORT_ERROR})",
            hint="Install it for the Python that runs Ansible: pip install kubernetes",
        )
    label, config, persist = _read(source)
    name, cluster, user = select(label, config, context)
    _check_exec(label, user)
    loader = _library.KubeConfigLoader(
        config_dict=config,
        active_context=name,
        config_base_path=os.getcwd() if isinstance(source, dict) else None,
        config_persister=persist,
        temp_file_path=scratch,
    )
    target = _Target()
    _run(loader, target, label, name, "exec" in user)
    label = f"{label}, context {name}"
    return _loaded(label, cluster, target)


def forget(scratch: str) -> None:
    """Make the loader forget files that were deleted with their directory.

    It deletes them itself only when Python exits, and Ansible's workers leave by C(os._exit).
    """
    cache = getattr(_library, "_temp_files", None)
    if isinstance(cache, dict):
        for key in [key for key, path in cache.items() if str(path).startswith(scratch)]:
            del cache[key]


def _run(loader: Any, target: _Target, label: str, context: str, uses_exec: bool) -> None:
    """Let the loader fill the target and turn what it says into our errors."""
    errors = _Errors()
    subject = f"{label}, context {context}"
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


def _loaded(label: str, cluster: Mapping[str, Any], target: _Target) -> Loaded:
    def refresh() -> Optional[str]:
        if target.refresh_api_key_hook is not None:
            target.refresh_api_key_hook(target)
        return target.authorization()

    return Loaded(
        source=label,
        host=str(cluster["server"]),
        ca_cert=getattr(target, "ssl_ca_cert", None),
        client_cert=getattr(target, "cert_file", None),
        client_key=getattr(target, "key_file", None),
        verify=not cluster.get("insecure-skip-tls-verify"),
        server_name=cluster.get("tls-server-name"),
        proxy=cluster.get("proxy-url"),
        authorization=target.authorization(),
        refresh=refresh if target.api_key else None,
    )


def _read(source: Any) -> Tuple[str, Any, Optional[Callable[[], None]]]:
    """Return a name for messages, the configuration, and what saves renewed tokens."""
    if isinstance(source, dict):
        return "the given dictionary", source, None
    if not isinstance(source, str):
        raise InputError("must be a path or a dictionary", option="kubeconfig")
    existing = _existing(source)
    try:
        merger = _library.KubeConfigMerger(existing)
    except ConfigException:
        raise InputError("the file is empty", option="kubeconfig", subject=existing) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise InputError(f"is not YAML{where}", option="kubeconfig", subject=existing) from None
    except OSError as error:
        raise InputError(str(error.strerror), option="kubeconfig", subject=existing) from None
    except (AttributeError, TypeError, KeyError):
        raise _not_a_kubeconfig(existing) from None
    return existing, merger.config, merger.save_changes


def _existing(source: str) -> str:
    """Return the paths that exist; kubectl too allows that some of several do not."""
    paths = [os.path.expanduser(path) for path in source.split(os.pathsep) if path]
    found = [path for path in paths if os.path.exists(path)]
    if not found:
        raise InputError(
            "there is no such file",
            option="kubeconfig",
            subject=source,
            hint="Give the path on the machine that runs the task",
        )
    return os.pathsep.join(found)


def _not_a_kubeconfig(label: str) -> InputError:
    return InputError("is not a kubeconfig", option="kubeconfig", subject=label)


def _plain(node: Any) -> Any:
    """Unwrap the loader's nodes into dictionaries and lists."""
    node = getattr(node, "value", node)
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    return [_plain(item) for item in node] if isinstance(node, list) else node


def select(
    label: str, config: Any, context: Optional[str]
) -> Tuple[str, Dict[str, Any], Dict[str, Any]]:
    """Return the context's name, its cluster and its user, checked to be there.

    Raises:
        InputError: names what is missing and what there is.
    """
    plain = _plain(config)
    if not isinstance(plain, dict) or not all(
        isinstance(plain.get(section) or [], list) for section in _SECTIONS
    ):
        raise _not_a_kubeconfig(label)
    named = {section: _by_name(plain.get(section) or []) for section in _SECTIONS}
    name = context or plain.get("current-context")
    known = ", ".join(sorted(named["contexts"])) or "none"
    if not name:
        raise InputError(
            "the kubeconfig has no current context",
            option="context",
            subject=label,
            hint=f"Choose one of: {known}",
        )
    if name not in named["contexts"]:
        raise InputError(
            f"there is no context {name!r}",
            option="context",
            subject=label,
            hint=f"Contexts there: {known}",
        )
    chosen = _body(named["contexts"][name], "context")
    cluster = _referred(label, name, named["clusters"], chosen.get("cluster"), "cluster")
    if not cluster.get("server"):
        raise InputError(
            f"cluster {chosen.get('cluster')!r} has no server", option="kubeconfig", subject=label
        )
    user_name = chosen.get("user")
    user = _referred(label, name, named["users"], user_name, "user") if user_name else {}
    return str(name), cluster, user


def _referred(
    label: str, context: str, items: Mapping[str, Any], name: Any, word: str
) -> Dict[str, Any]:
    if name not in items:
        raise InputError(
            f"context {context!r} names {word} {name!r}, which is not there",
            option="kubeconfig",
            subject=label,
        )
    return _body(items[name], word)


def _by_name(items: List[Any]) -> Dict[str, Any]:
    return {str(item["name"]): item for item in items if isinstance(item, dict) and "name" in item}


def _body(item: Mapping[str, Any], key: str) -> Dict[str, Any]:
    body = item.get(key)
    return body if isinstance(body, dict) else {}


def _check_exec(label: str, user: Mapping[str, Any]) -> None:
    command = _body(user, "exec").get("command")
    if command and os.sep not in command and shutil.which(command) is None:
        raise InputError(
            f"the exec plugin {command!r} of the kubeconfig is not installed here",
            option="kubeconfig",
            subject=label,
            hint=f"Install {command} where the task runs, or use a token (api_key)",
        )
