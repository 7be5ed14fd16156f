# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of clients that can be run as they are: one in a shell, the others in Python. Pure.

Each asks what a model takes and gives, which goes the same way as an inference. Files that only the
client has are named as the role C(client_certificates) names them. An authority that the machine
does not trust is told to all of them by variables of the environment (docs/which-way-in.md).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple
from urllib.parse import quote

CERTIFICATE, KEY, AUTHORITY = "client.pem", "client.key", "ca.pem"
# gRPC's service config: every call goes to the next address (grpc/doc/service_config.md).
ROUND_ROBIN = '{"loadBalancingConfig": [{"round_robin": {}}]}'


@dataclass(frozen=True)
class Target:
    """What is called, and how.

    Attributes:
        interface: C(rest) or C(grpc).
        address: C(HOST:PORT).
        url: of REST.
        tls: the server shows a certificate.
        model: name of a model; empty: the server itself is asked.
        paths: of REST that lead to the server, each with all below.
        certificate: the client has to show one.
        balances: the name has the addresses of all pods.
        old: the server has the TensorFlow Serving API.
    """

    interface: str
    address: str
    url: str
    tls: bool
    model: str
    paths: Sequence[str]
    certificate: bool
    balances: bool
    old: bool


def of(target: Target) -> Dict[str, str]:
    """Return the calls by client; only those that get through this way."""
    return _of_grpc(target) if target.interface == "grpc" else _of_rest(target)


def _of_rest(target: Target) -> Dict[str, str]:
    path = _path(target)
    found = {"curl": _curl(target, f"{target.url}{path}")}
    if path.startswith("/v2/"):
        found["tritonclient"] = _triton_http(target)
    if _for_ovmsclient(target):
        found["ovmsclient"] = _ovmsclient(target)
    return found


def _for_ovmsclient(target: Target) -> bool:
    """Tell whether C(ovmsclient) gets through by REST.

    Whatever it is told of TLS, it asks in plain text, and it writes the name of a model into the
    path as it is (ovmsclient 2023.1, tfs_compat/http/serving_client.py).
    """
    path = f"/v1/models/{target.model}"
    plain = not (target.tls or set("/?#%").intersection(target.model))
    return target.old and bool(target.model) and plain and _covered(path, target.paths)


def _of_grpc(target: Target) -> Dict[str, str]:
    found = {"tritonclient": _triton_grpc(target)}
    # ovmsclient takes no settings for its channel, so that it would stay with one address.
    if target.old and target.model and not target.balances:
        found["ovmsclient"] = _ovmsclient(target)
    return found


def _path(target: Target) -> str:
    """Return what to ask for: a model, the server, or else the first path that is let through."""
    wanted = ["/v2/health/ready", "/v1/config"]
    if target.model:
        wanted.insert(0, f"/v2/models/{quote(target.model, safe='')}")
    let_through = [path for path in wanted if _covered(path, target.paths)]
    return let_through[0] if let_through else target.paths[0]


def _covered(path: str, paths: Sequence[str]) -> bool:
    return any(f"{path}/".startswith(f"{prefix.rstrip('/')}/") for prefix in paths)


def _curl(target: Target, url: str) -> str:
    # The body of an error tells what is wrong, and the exit code tells that something is.
    words = ["curl", "--silent", "--show-error", "--fail-with-body"]
    if target.certificate:
        words += ["--cert", CERTIFICATE, "--key", KEY]
    return shlex.join([*words, url])


def _triton_http(target: Target) -> str:
    settings: List[Tuple[str, str]] = []
    if target.tls:
        settings.append(("ssl", "True"))
        if target.certificate:
            files = f'{{"certfile": "{CERTIFICATE}", "keyfile": "{KEY}"}}'
            settings.append(("ssl_options", files))
    return _triton("http", target.address, settings, target)


def _triton_grpc(target: Target) -> str:
    settings: List[Tuple[str, str]] = []
    address = target.address
    if target.tls:
        settings.append(("ssl", "True"))
        if target.certificate:
            settings += [("private_key", f'"{KEY}"'), ("certificate_chain", f'"{CERTIFICATE}"')]
    if target.balances:
        address = f"dns:///{address}"
        # These take the place of the client's own settings, of which the sizes matter: without
        # them 4 MiB are the most that an answer can have.
        pairs = [
            ("grpc.service_config", repr(ROUND_ROBIN)),
            ("grpc.max_send_message_length", "-1"),
            ("grpc.max_receive_message_length", "-1"),
        ]
        lines = "".join(f'\n        ("{name}", {value}),' for name, value in pairs)
        settings.append(("channel_args", f"[{lines}\n    ]"))
    return _triton("grpc", address, settings, target)


def _triton(part: str, address: str, settings: Sequence[Tuple[str, str]], target: Target) -> str:
    """Return a program with one part of C(tritonclient)."""
    lines = [f"import tritonclient.{part} as triton", ""]
    lines.append(_made("triton.InferenceServerClient", address, settings))
    asked = f"get_model_metadata({target.model!r})" if target.model else "is_server_ready()"
    return "\n".join([*lines, f"print(client.{asked})", ""])


def _ovmsclient(target: Target) -> str:
    """Return a program with C(ovmsclient), which only trusts an authority that it is given."""
    settings: List[Tuple[str, str]] = []
    if target.tls:
        files = {"server_cert_path": AUTHORITY}
        if target.certificate:
            files.update(client_cert_path=CERTIFICATE, client_key_path=KEY)
        text = ", ".join(f'"{name}": "{file}"' for name, file in files.items())
        settings.append(("tls_config", f"{{{text}}}"))
    maker = "make_grpc_client" if target.interface == "grpc" else "make_http_client"
    lines = [f"from ovmsclient import {maker}", "", _made(maker, target.address, settings)]
    return "\n".join([*lines, f"print(client.get_model_metadata({target.model!r}))", ""])


def _made(maker: str, address: str, settings: Sequence[Tuple[str, str]]) -> str:
    if not settings:
        return f'client = {maker}("{address}")'
    lines = "".join(f"\n    {name}={value}," for name, value in settings)
    return f'client = {maker}(\n    "{address}",{lines}\n)'
