# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exec plugins of a kubeconfig: programs such as C(aws eks get-token) that print credentials.

The protocol is C(ExecCredential) of C(client.authentication.k8s.io), v1 and v1beta1: the program
reads C(KUBERNETES_EXEC_INFO) and prints a token, a client certificate, or both, and when they
end. It runs without a terminal, with a time limit, and again only when its credentials have ended
or the API server has refused them.
"""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import AuthError, InputError
from ...secrecy import HIDDEN, argument_secrets
from .config_schema import credential_fault
from .config_yaml import YAML_ERROR, load_yaml

GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")
MODES = ("Never", "IfAvailable", "Always")
TIME_LIMIT = 60.0  # seconds; a program that waits for a browser or a password never ends
_SHOWN = 600  # characters of what a program wrote to stderr, its end
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x09\x0b-\x1f\x7f]")
LOGIN = "Run kubectl get namespaces with the same kubeconfig and log in again"

# Runs a program: argv, environment and seconds in; exit status, stdout and stderr out.
Runner = Callable[[Sequence[str], Mapping[str, str], float], Tuple[int, bytes, bytes]]


@dataclass(frozen=True)
class Credentials:
    """What a plugin gave; C(ends) is in seconds since 1970, None when it did not say."""

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    ends: Optional[float] = None


@dataclass(frozen=True)
class Program:
    """The C(exec) of a user, checked."""

    argv: Tuple[str, ...] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    version: str
    subject: str
    hint: str = ""


def program(subject: str, body: Mapping[str, Any], cluster: Mapping[str, Any]) -> Program:
    """Return the program of C(exec), with what it is told of the cluster.

    Raises:
        InputError: a field is missing, or it wants a terminal.
    """
    version, mode = body.get("apiVersion") or "", body.get("interactiveMode") or ""
    if not body.get("command"):
        raise _wrong(subject, "the exec plugin of the kubeconfig has no command")
    if version not in VERSIONS:
        told = f"apiVersion {version!r}" if version else "no apiVersion"
        raise _wrong(
            subject,
            f"the exec plugin of the kubeconfig has {told}",
            f"Write one of {', '.join(VERSIONS)}, or make the kubeconfig anew",
        )
    if mode not in ("", *MODES):
        raise _wrong(subject, f"the exec plugin's interactiveMode is not one of {', '.join(MODES)}")
    if not mode and version == VERSIONS[0]:
        raise _wrong(
            subject, "the exec plugin has no interactiveMode, which v1 demands", "Set it to Never"
        )
    if mode == "Always":
        raise _wrong(
            subject,
            "the exec plugin wants a terminal (interactiveMode Always), and a task has none",
            "Use a token (api_key), or a plugin that does not ask",
        )
    given = [item or {} for item in body.get("env") or ()]
    if not all(item.get("name") for item in given):
        raise _wrong(subject, "a variable in env of the exec plugin has no name")
    spec: Dict[str, Any] = {"interactive": False}
    if body.get("provideClusterInfo"):
        spec["cluster"] = dict(cluster)
    info = {"kind": "ExecCredential", "apiVersion": version, "spec": spec}
    variables = {item["name"]: item.get("value") or "" for item in given}
    return Program(
        argv=(body["command"], *(item or "" for item in body.get("args") or ())),
        variables={**variables, "KUBERNETES_EXEC_INFO": json.dumps(info)},
        version=version,
        subject=subject,
        hint=_clean(body.get("installHint") or ""),
    )


def cluster_info(
    server: str, cluster: Mapping[str, Any], authority: Optional[bytes], verify: bool
) -> Dict[str, Any]:
    """Return the cluster as C(KUBERNETES_EXEC_INFO) shows it to a plugin that wants to know it."""
    told: Dict[str, Any] = {
        "server": server,
        "tls-server-name": cluster.get("tls-server-name"),
        "insecure-skip-tls-verify": not verify,
        "certificate-authority-data": base64.b64encode(authority or b"").decode(),
        "proxy-url": cluster.get("proxy-url"),
        "disable-compression": cluster.get("disable-compression"),
    }
    found = {name: value for name, value in told.items() if value}
    return {**found, "config": _extension(cluster)}


def _extension(cluster: Mapping[str, Any]) -> Any:
    for item in cluster.get("extensions") or ():
        if (item or {}).get("name") == f"{GROUP}/exec":
            return item.get("extension")
    return None


class ExecPlugin:
    """Runs the plugin when credentials are needed and caches them; the caller must hold a lock."""

    def __init__(
        self,
        wanted: Program,
        environ: Mapping[str, str],
        run: Optional[Runner] = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._program, self._environ = wanted, environ
        self._run, self._clock = run or run_program, clock
        self._known: Optional[Credentials] = None

    def credentials(self, rejected: Optional[Credentials] = None) -> Credentials:
        """Return credentials; those that ended, and C(rejected) ones, are replaced.

        Raises:
            InputError: the program is not installed.
            AuthError: it failed, or printed no credentials.
        """
        known = self._known
        if known is None or known is rejected or self._ended(known):
            known = self._known = self._fetch()
        return known

    def _ended(self, known: Credentials) -> bool:
        return known.ends is not None and self._clock() > known.ends

    def _fetch(self) -> Credentials:
        wanted = self._program
        path = shutil.which(wanted.argv[0], path=self._environ.get("PATH", os.defpath))
        if path is None:
            raise InputError(
                f"the exec plugin {wanted.argv[0]!r} of the kubeconfig is not installed here",
                option="kubeconfig",
                subject=wanted.subject,
                hint=wanted.hint
                or f"Install {wanted.argv[0]} where the task runs, or use a token (api_key)",
            )
        environ = {**self._environ, **wanted.variables}
        try:
            status, out, err = self._run((path, *wanted.argv[1:]), environ, TIME_LIMIT)
        except subprocess.TimeoutExpired as error:
            told = _told(wanted, error.stderr or b"")
            raise self._failed(f"it did not end within {TIME_LIMIT:g} s{told}") from None
        except OSError as error:
            raise self._failed(error.strerror or type(error).__name__) from None
        if status:
            raise self._failed(f"exit status {status}{_told(wanted, err)}")
        credentials, fault = parse(out, wanted.version)
        if credentials is None:
            raise self._failed(f"{fault}{_told(wanted, err)}")
        return credentials

    def _failed(self, reason: str) -> AuthError:
        return AuthError(
            f"the exec plugin of the kubeconfig failed: {reason}",
            option="kubeconfig",
            subject=self._program.subject,
            hint=LOGIN,
        )


def run_program(
    argv: Sequence[str], environ: Mapping[str, str], seconds: float
) -> Tuple[int, bytes, bytes]:
    """Run a program without a terminal; at the time limit, kill it and all processes it started.

    Raises:
        subprocess.TimeoutExpired: it took too long.
        OSError: it cannot be started.
    """
    # run_command of a module is not to be had in the worker, and knows no time limit.
    process = subprocess.Popen(  # pylint: disable=ansible-bad-function
        argv,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # no terminal to prompt at; the whole session can be killed
    )
    with process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, out, err


def parse(data: bytes, version: str) -> "Tuple[Optional[Credentials], str]":
    """Return the credentials in a plugin's answer, or None and what is wrong; never its text."""
    try:
        answer = _decoded(data)
    except ValueError:
        return None, "it printed no ExecCredential"
    fault = credential_fault(answer)
    if fault:
        return None, f"its answer is no ExecCredential: {fault}"
    if answer.get("kind") != "ExecCredential" or answer.get("apiVersion") != version:
        return None, f"it did not answer with an ExecCredential of {version}"
    status = answer.get("status") or {}
    token = status.get("token") or ""
    pair = [status.get(name) or "" for name in ("clientCertificateData", "clientKeyData")]
    if not token and not any(pair):
        return None, "it gave neither a token nor a certificate"
    if bool(pair[0]) != bool(pair[1]):
        return None, "it gave a certificate without its key, or a key without its certificate"
    try:
        ends = _seconds(status.get("expirationTimestamp") or "")
    except ValueError:
        return None, "its expirationTimestamp is not a time (RFC 3339)"
    return Credentials(token, pair[0], pair[1], ends), ""


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        if YAML_ERROR:
            raise
    return load_yaml(data)  # kubectl reads YAML there as well


def _seconds(text: str) -> Optional[float]:
    """Return an RFC 3339 time in seconds since 1970; fractions are left out."""
    if not text:
        return None
    plain = re.sub(r"\.\d+", "", text).upper().replace("Z", "+00:00")
    moment = datetime.datetime.fromisoformat(plain)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment.timestamp()


def _told(wanted: Program, stderr: bytes) -> str:
    """Return the end of the program's stderr, with the secrets that were passed to it masked."""
    text = stderr.decode("utf-8", "replace")
    for secret in sorted(_secrets(wanted), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _clean(text).strip()
    return f": {text[-_SHOWN:]}" if text else ""


def _secrets(wanted: Program) -> List[str]:
    """Return the values of the plugin's variables, and its arguments that are named a secret."""
    found = [value for name, value in wanted.variables.items() if name != "KUBERNETES_EXEC_INFO"]
    found += argument_secrets(wanted.argv[1:])
    return [value for value in found if len(value) > 3]


def _clean(text: str) -> str:
    return _CONTROL.sub("", text)


def _wrong(subject: str, sentence: str, hint: Optional[str] = None) -> InputError:
    return InputError(sentence, option="kubeconfig", subject=subject, hint=hint)
