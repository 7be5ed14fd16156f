# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a measurement: what a task says becomes frozen dataclasses. Pure, but for tensors."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from ..entry import merge_specs
from ..errors import InputError, UnsupportedError
from ..kube.auth.options import AUTH_ARGUMENT_SPEC
from ..verify.inference.tensors import Tensor, from_entry
from .slo import SLO_ARGUMENT_SPEC, Slo, slo_from_params
from .wheels import read_wheels
from .worker.load import MOST_REQUESTS, Load

REST = "rest"
GRPC = "grpc"
SERVICE = "service"
REPLICAS = "replicas"
HEADLESS = "headless"
REQUESTS = "requests"
CONNECTIONS = "connections"
CONTROLLER = "controller"
CLUSTER = "cluster"
DEFAULT_REQUESTS = 1000
DEFAULT_IMAGE = "docker.io/library/python:3.12-slim"
MOST_CONNECTIONS = 256
LONGEST = 3600  # seconds; begins of requests are kept as microseconds in 32 bits
SCHEMES = {"http": (REST, 80), "https": (REST, 443), "grpc": (GRPC, 80), "grpcs": (GRPC, 443)}

_TLS: Dict[str, Any] = {
    "verify": {"type": "bool", "default": True},
    "ca": {"type": "path"},
    "cert": {"type": "path"},
    "key": {"type": "path", "no_log": False},
}
_INPUT: Dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "datatype": {"type": "str"},
    "shape": {"type": "list", "elements": "int"},
    "data": {"type": "raw"},
    "file": {"type": "path"},
    "base64": {"type": "str"},
}
ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    {
        "namespace": {"type": "str"},
        "name": {"type": "str"},
        "label_selector": {"type": "str"},
        "rest_port": {"type": "int"},
        "grpc_port": {"type": "int", "default": 8080},
        "target": {"type": "str", "choices": [SERVICE, HEADLESS, REPLICAS], "default": SERVICE},
        "balance": {"type": "str", "choices": [REQUESTS, CONNECTIONS], "default": REQUESTS},
        "service": {"type": "str"},
        "url": {"type": "str"},
        "url_from": {"type": "str", "choices": [CONTROLLER, CLUSTER], "default": CONTROLLER},
        "connect": {"type": "str"},
        "tls": {"type": "dict", "options": _TLS},
        "model": {"type": "str", "required": True},
        "version": {"type": "int"},
        "client": {"type": "str", "choices": [REST, GRPC], "default": REST},
        "inputs": {"type": "list", "elements": "dict", "options": _INPUT, "default": []},
        "seed": {"type": "int", "default": 0},
        "concurrency": {"type": "int", "default": 1},
        "requests": {"type": "int"},
        "duration": {"type": "float"},
        "rate": {"type": "float"},
        "warmup": {"type": "int", "default": 10},
        "timeout": {"type": "int", "default": 60},
        "run_timeout": {"type": "int", "default": 600},
        "slo": {"type": "dict", "options": SLO_ARGUMENT_SPEC},
        "report_only": {"type": "bool", "default": False},
        "dest": {"type": "path"},
        "agent_image": {"type": "str", "default": DEFAULT_IMAGE},
        "wheels": {"type": "path"},
        "image_pull_policy": {
            "type": "str",
            "choices": ["IfNotPresent", "Always", "Never"],
            "default": "IfNotPresent",
        },
        "image_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "node_selector": {"type": "dict", "default": {}},
        "wait_timeout": {"type": "int", "default": 120},
    },
)
SPEC_RULES: Dict[str, Any] = {
    "mutually_exclusive": [("name", "label_selector"), ("requests", "duration")],
    "required_one_of": [("name", "label_selector", "url")],
    "required_by": {"name": ["namespace"], "label_selector": ["namespace"]},
}


@dataclass(frozen=True)
class Address:
    """A URL, taken apart.

    Attributes:
        host: that the certificate has to have.
        port: of the URL.
        prefix: of the paths.
        tls: the files of C(rest.context_of), None without TLS.
        at: host and port to connect to.
    """

    host: str
    port: int
    prefix: str
    tls: Optional[Mapping[str, Any]]
    at: Tuple[str, int]


@dataclass(frozen=True)
class Pod:
    """How the pod of a measurement is made."""

    image: str
    pull_policy: str
    pull_secrets: Tuple[str, ...]
    node_selector: Tuple[Tuple[str, str], ...]
    wait_timeout: float


@dataclass(frozen=True)
class Options:
    """The options of one measurement.

    Attributes:
        model: whom to ask.
        version: of the model, None for the one that the server chooses.
        client: C(rest) or C(grpc).
        load: how much is sent.
        timeout: longest silence of the server in seconds.
        seed: of random values.
        given: inputs with values.
        shapes: shapes of inputs with random values.
        slo: bounds, None without any.
        report_only: bounds that are not kept do not fail the task.
        address: the URL that is asked, None if a server of the cluster is asked itself.
        in_cluster: a pod sends the requests, not the controller.
        target: whom a pod asks without a URL: C(service), C(headless) or C(replicas).
        pinned: each connection stays with one replica of those that C(target) leads to.
        pod: how it is made.
        wheels: packages for the client, where its Python has none.
        dest: directory of the files, empty for none.
    """

    model: str
    version: Optional[int]
    client: str
    load: Load
    timeout: int
    seed: int
    given: Tuple[Tensor, ...]
    shapes: Mapping[str, Tuple[int, ...]]
    slo: Optional[Slo]
    report_only: bool
    address: Optional[Address]
    in_cluster: bool
    target: str
    pinned: bool
    pod: Pod
    wheels: Tuple[bytes, ...]
    dest: str


def options_from_params(params: Mapping[str, Any]) -> Options:
    """Return typed options.

    Raises:
        InputError: a value that cannot be, before anything is asked.
        UnsupportedError: the model cannot be asked this way.
    """
    _check_numbers(params)
    address = _address(params)
    load = _load(params)
    given, shapes = _inputs(params["inputs"])
    if "/" in params["model"] and address is None:
        raise UnsupportedError(
            f"the model '{params['model']}' cannot be asked through the API server",
            option="model",
            hint="The slash in its name is lost on the way; give url in the place of name",
        )
    if not str(params["agent_image"] or "").strip():
        raise InputError("an image name is needed", option="agent_image")
    return Options(
        model=params["model"],
        version=params.get("version"),
        client=params["client"],
        load=load,
        timeout=params["timeout"],
        seed=params["seed"],
        given=given,
        shapes=shapes,
        slo=slo_from_params(params.get("slo"), load.rate),
        report_only=params["report_only"],
        address=address,
        in_cluster=address is None or params["url_from"] == CLUSTER,
        target=params["target"],
        pinned=params["balance"] == CONNECTIONS,
        pod=Pod(
            params["agent_image"],
            params["image_pull_policy"],
            tuple(params["image_pull_secrets"]),
            tuple(sorted((str(k), str(v)) for k, v in params["node_selector"].items())),
            float(params["wait_timeout"]),
        ),
        wheels=read_wheels(params.get("wheels"), params["client"]),
        dest=_dest(params.get("dest")),
    )


def _check_numbers(params: Mapping[str, Any]) -> None:
    """Refuse numbers out of range.

    Raises:
        InputError: one is.
    """
    for name, low, high in (
        ("concurrency", 1, MOST_CONNECTIONS),
        ("requests", 1, MOST_REQUESTS),
        ("duration", 0.1, LONGEST),
        ("rate", 0.001, 100_000),
        ("warmup", 0, MOST_REQUESTS),
        ("timeout", 1, LONGEST),
        ("run_timeout", 1, LONGEST),
        ("wait_timeout", 1, 86400),
        ("version", 1, 2**63 - 1),
        ("rest_port", 1, 65535),
        ("grpc_port", 1, 65535),
    ):
        value = params.get(name)
        if value is not None and not low <= value <= high:
            raise InputError(f"{value} is not from {low} to {high}", option=name)


def _load(params: Mapping[str, Any]) -> Load:
    """Return how much is sent.

    Raises:
        InputError: it cannot be sent in the time that there is.
    """
    duration, rate = params.get("duration") or 0.0, params.get("rate") or 0.0
    requests = params.get("requests") or (0 if duration else DEFAULT_REQUESTS)
    needed = duration or (requests / rate if rate else 0.0)
    if needed > params["run_timeout"]:
        raise InputError(
            f"what is to be sent takes {needed:g} s, longer than the {params['run_timeout']} s",
            option="run_timeout",
            hint="Raise it, or send less",
        )
    if rate * duration > MOST_REQUESTS:
        raise InputError(
            f"{rate * duration:.0f} requests are more than the {MOST_REQUESTS} of a measurement",
            option="duration",
            hint="Shorten it, or lower rate",
        )
    return Load(
        concurrency=params["concurrency"],
        requests=requests,
        duration=duration,
        rate=rate,
        warmup=params["warmup"],
        limit=float(params["run_timeout"]),
    )


def _address(params: Mapping[str, Any]) -> Optional[Address]:
    url, tls = params.get("url"), params.get("tls")
    if not url:
        _only_with_url(params)
        return None
    if params["url_from"] == CLUSTER and not (params.get("name") or params.get("label_selector")):
        raise InputError(
            "a pod can ask a url only beside a server whose model is known",
            option="url_from",
            hint="Give namespace and name of the server behind the url as well",
        )
    parts = _split(url)
    client, usual = SCHEMES[parts.scheme]
    if client != params["client"]:
        raise InputError(
            f"{parts.scheme}:// is not for client {params['client']}",
            option="url",
            hint="http and https are for rest, grpc and grpcs for grpc",
        )
    secure = parts.scheme in ("https", "grpcs")
    if tls and not secure:
        raise InputError(
            f"{parts.scheme}:// is without TLS", option="tls", hint="Write https:// or grpcs://"
        )
    port = parts.port or usual
    return Address(
        parts.hostname,
        port,
        parts.path.rstrip("/"),
        _tls(tls, client, secure),
        _connect(params["connect"]) if params.get("connect") else (parts.hostname, port),
    )


def _only_with_url(params: Mapping[str, Any]) -> None:
    """Refuse what says nothing without a url.

    Raises:
        InputError: such an option is given.
    """
    if params.get("tls"):
        raise InputError(
            "it is for a url only",
            option="tls",
            hint="Inside of a cluster OVMS speaks without TLS; name the url of its ingress",
        )
    if params.get("connect") or params["url_from"] != CONTROLLER:
        raise InputError(
            "it is for a url only",
            option="connect" if params.get("connect") else "url_from",
            hint="Name the url that is asked, or leave it out",
        )


def _connect(text: str) -> Tuple[str, int]:
    """Return host and port of the option C(connect)."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port or parts.path or parts.username:
        raise InputError(
            "it is no host and port", option="connect", subject=text, hint="Like 192.0.2.7:443"
        )
    return host, port


def _split(url: str) -> Any:
    hint = "Like https://ocr.example.org or grpcs://ocr.example.org:443"
    try:
        parts = urlsplit(url)
        good = parts.scheme in SCHEMES and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise InputError("it is no URL of a server", option="url", subject=url, hint=hint)
    if parts.username or parts.query or parts.fragment:
        raise InputError("it has more than host, port and path", option="url", hint=hint)
    return parts


def _tls(
    given: Optional[Mapping[str, Any]], client: str, secure: bool
) -> Optional[Mapping[str, Any]]:
    if not secure:
        return None
    found = {
        "verify": True,
        **{key: value for key, value in (given or {}).items() if value is not None},
    }
    if client == GRPC and not found["verify"]:
        raise InputError(
            "gRPC has no way to leave out the check of certificates",
            option="tls.verify",
            hint="Name the CA in tls.ca",
        )
    if bool(found.get("cert")) != bool(found.get("key")):
        raise InputError("certificate and key belong together", option="tls.cert")
    for name in ("ca", "cert", "key"):
        path = found.get(name)
        if path and not os.access(path, os.R_OK):
            raise InputError("the file cannot be read", option=f"tls.{name}", subject=path)
    return found


def _inputs(
    items: List[Mapping[str, Any]],
) -> Tuple[Tuple[Tensor, ...], Dict[str, Tuple[int, ...]]]:
    """Return inputs with values, and shapes of those without.

    Raises:
        InputError: an input is there twice, or what it has does not fit together.
    """
    given: List[Tensor] = []
    shapes: Dict[str, Tuple[int, ...]] = {}
    for item in items:
        name = item["name"]
        if name in shapes or name in [tensor.name for tensor in given]:
            raise InputError(f"the input '{name}' is there twice", option="inputs")
        try:
            tensor = from_entry(item, _read)
        except ValueError as error:
            raise InputError(str(error), option="inputs", subject=f"input '{name}'") from None
        if tensor is not None:
            given.append(tensor)
        elif item.get("shape") is None or any(size < 1 for size in item["shape"]):
            raise InputError(
                "it has neither values nor a shape of numbers from 1",
                option="inputs",
                subject=f"input '{name}'",
                hint="Give data, file or base64, or a shape for random values, or leave it out",
            )
        else:
            shapes[name] = tuple(item["shape"])
    return tuple(given), shapes


def _read(path: str) -> bytes:
    with open(os.path.expanduser(path), "rb") as file:
        return file.read()


def _dest(path: Optional[str]) -> str:
    if path and os.path.exists(path) and not os.path.isdir(path):
        raise InputError(
            "it is no directory", option="dest", subject=path, hint="Name one, it may be missing"
        )
    return path or ""
