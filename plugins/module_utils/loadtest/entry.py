# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.benchmark."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..errors import GateError
from ..kube.client import KubeClient
from ..kube.types import Access
from ..runtime import Params, Result, Runtime
from ..verify import entry as verify
from ..verify.inference.protocol import (
    Metadata,
    encode_head,
    infer_path,
    model_path,
    parse_metadata,
)
from . import files, local
from .counters import Counts, shares
from .inputs import Input, fit
from .job import MOUNT, PACKAGES
from .options import (
    ARGUMENT_SPEC,
    CLUSTER,
    CONTROLLER,
    HEADLESS,
    REPLICAS,
    SPEC_RULES,
    Options,
    options_from_params,
)
from .pod import Runner
from .program import BenchmarkError
from .result import measured, table, warnings
from .site import Addresses, Site
from .slo import words

__all__ = ["ARGUMENT_SPEC", "SPEC_RULES", "required_access", "run"]

# Seconds that the program may take beyond its last request: to start and to print.
SLACK = 30.0
METRICS = "the replicas' own counters, warm-up included"
CLIENT = "the client, which asked each replica in turn"


class SloError(GateError):
    """A measurement does not keep a bound of C(slo)."""

    kind = "slo"


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses."""
    if not (params.get("name") or params.get("label_selector")):
        return []
    namespace = params["namespace"]
    rights = [*verify.required_access(params), Access("get", "", "services", namespace=namespace)]
    if params.get("url") and params["url_from"] == CONTROLLER:
        return rights
    if any((params.get("tls") or {}).get(name) for name in ("ca", "cert", "key")):
        rights.append(Access("create", "", "secrets", namespace=namespace))
    return [
        *rights,
        Access("get", "", "pods", namespace=namespace),
        Access("watch", "", "pods", namespace=namespace),
        Access("create", "batch", "jobs", namespace=namespace),
        Access("delete", "batch", "jobs", namespace=namespace),
        Access("create", "", "configmaps", namespace=namespace),
    ]


def run(params: Params, runtime: Runtime) -> Result:
    """Send inferences to a server and return how it did.

    Raises:
        InputError: an option, a tensor or the model is not as it has to be.
        GateError: the model is not AVAILABLE.
        BenchmarkError: no request has an answer, or not all could be sent in time.
        SloError: a bound of C(slo) is not kept, unless C(report_only).
    """
    begun = time.monotonic()
    options = options_from_params(params)
    with contextlib.ExitStack() as stack:
        site, client = None, None
        if params.get("name") or params.get("label_selector"):
            client = stack.enter_context(KubeClient.from_params(params))
            site = Site(client, params, options)
            site.check_available()
        metadata = _metadata(options, site)
        inputs = fit(metadata, options.given, options.shapes, options.seed, options.model)
        plan = _plan(options, inputs, metadata, _addresses(options, site))
        about = _about(options, site, plan, inputs)
        if runtime.check_mode:
            return _foreseen(options, about, plan, begun)
        if options.dest:
            files.prepare(options.dest)
        before = _counted(site)
        record = _send(options, client, params, plan, inputs, runtime)
        about.update(_shares(site, before, _counted(site), record, options, runtime))
    if not record["latencies"]:
        raise _unanswered(record, about["address"])
    result = measured(record, options, about)
    if options.dest:
        files.write(options.dest, result)
    return _judged(result, options, runtime, begun)


def _metadata(options: Options, site: Optional[Site]) -> Metadata:
    if options.in_cluster or options.address is None:
        return _known(site).metadata()
    plan = _way(options, [options.address.at])
    path = options.address.prefix + model_path(options.model, options.version)
    raw = b"".join(options.wheels)
    found = local.run(
        {**plan, "task": "describe", "path": path, "inputs": []}, raw, _patience(options)
    )
    return parse_metadata(json.dumps(found).encode("utf-8"))


def _patience(options: Options) -> float:
    return options.timeout + SLACK


def _addresses(options: Options, site: Optional[Site]) -> Addresses:
    if options.address is not None:
        return [options.address.at]
    return _known(site).addresses()


def _known(site: Optional[Site]) -> Site:
    if site is None:
        raise AssertionError("the argument spec wants a name, a selector or a url")
    return site


def _way(options: Options, addresses: Sequence[Tuple[str, int]]) -> Dict[str, Any]:
    """Return what the worker has to know of the server."""
    url = options.address
    host, port = (url.host, url.port) if url else addresses[0]
    return {
        "client": options.client,
        "addresses": [list(address) for address in addresses],
        "resolve": url is None and options.target == HEADLESS,
        "pinned": options.pinned,
        "host": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "server_name": url.host if url else "",
        "tls": url.tls if url else None,
        "model": options.model,
        "version": str(options.version or ""),
        "timeout": options.timeout,
        "wheels": [len(wheel) for wheel in options.wheels],
    }


def _plan(
    options: Options, inputs: Sequence[Input], metadata: Metadata, addresses: Addresses
) -> Dict[str, Any]:
    """Return the plan of the worker."""
    prefix = options.address.prefix if options.address else ""
    head, headers = encode_head([item.described() for item in inputs], list(metadata.outputs))
    return {
        **_way(options, addresses),
        "path": prefix + infer_path(options.model, options.version),
        "head": head.decode("utf-8"),
        "headers": headers,
        "inputs": [item.as_plan() for item in inputs],
        "load": asdict(options.load),
    }


def _about(
    options: Options, site: Optional[Site], plan: Mapping[str, Any], inputs: Sequence[Input]
) -> Dict[str, Any]:
    """Return what is known before the first request."""
    size = sum(item.size for item in inputs)
    head = len(plan["head"].encode("utf-8")) if options.client == "rest" else 0
    replicas = options.address is None and options.target == REPLICAS
    where = f"{len(plan['addresses'])} replicas" if replicas else plan["host"]
    return {
        "from": CLUSTER if options.in_cluster else CONTROLLER,
        "address": f"{where} ({site.target})" if site else where,
        "bytes": {"request": head + size, "tensors": size},
        "inputs": [
            {
                "name": item.name,
                "datatype": item.datatype,
                "shape": list(item.shape),
                "bytes": item.size,
                "values": "given" if item.seed < 0 else "random",
            }
            for item in inputs
        ],
    }


def _foreseen(
    options: Options, about: Mapping[str, Any], plan: Mapping[str, Any], begun: float
) -> Result:
    """Return the result of check mode: what would be sent."""
    load = options.load
    many = f"{load.requests} requests" if load.requests else f"requests for {load.duration:g} s"
    pace = f", {load.rate:g} in a second" if load.rate else ""
    return {
        **about,
        "changed": bool(options.dest),
        "load": plan["load"],
        "files": files.paths(options.dest),
        "seconds": round(time.monotonic() - begun, 3),
        "msg": f"would send {load.warmup} requests of warm-up and {many} of"
        f" {about['bytes']['request']} bytes over {load.concurrency} connections{pace} from the"
        f" {about['from']} to {about['address']}",
    }


def _send(
    options: Options,
    client: Optional[KubeClient],
    params: Params,
    plan: Mapping[str, Any],
    inputs: Sequence[Input],
    runtime: Runtime,
) -> Dict[str, Any]:
    # The limit holds for the warm-up and again for what is measured.
    seconds = 2 * options.load.limit + _patience(options)
    raw = b"".join([*(item.raw for item in inputs), *options.wheels])
    runtime.begins()
    if not options.in_cluster or client is None:
        return local.run(plan, raw, seconds)
    plan, tls = files.for_pod({**plan, "packages": PACKAGES}, MOUNT)
    runner = Runner(client, params["namespace"], options.pod, runtime.progress)
    return runner.run(plan, raw, seconds, tls)


Counted = Tuple[Dict[str, Counts], str]


def _counted(site: Optional[Site]) -> Counted:
    """Return the counters of the replicas, or why they are not known."""
    if site is None:
        return {}, "only the url is known; name the server as well"
    try:
        return site.counters(), ""
    except ValueError as error:
        return {}, str(error)


def _shares(
    site: Optional[Site],
    before: Counted,
    after: Counted,
    record: Mapping[str, Any],
    options: Options,
    runtime: Runtime,
) -> Dict[str, Any]:
    """Return the share of each replica, or why it is not known."""
    if site is None:
        return {"shares": [], "shares_from": before[1]}
    nodes = {replica.name: replica.node for replica in site.fleet.replicas}
    why = before[1] or after[1]
    had: Dict[str, Tuple[int, float]] = {}
    if not why:
        try:
            had = shares(before[0], after[0])
        except ValueError as error:
            why = str(error)
    source = METRICS
    turns = options.target == REPLICAS and not options.pinned and options.address is None
    if why and turns:
        had, source = _asked(record, list(nodes)), CLIENT
    elif why:
        source = why
    else:
        _compare(sum(count for count, _share in had.values()), record, options, runtime)
    rows = [
        {
            "replica": name,
            "node": nodes.get(name, ""),
            "inferences": count,
            "share": round(share, 4),
        }
        for name, (count, share) in sorted(had.items())
    ]
    return {"shares": rows, "shares_from": source}


def _asked(record: Mapping[str, Any], names: Sequence[str]) -> Dict[str, Tuple[int, float]]:
    """Return what the client itself had from each replica."""
    counts = {name: int(record["by_target"].get(str(at), 0)) for at, name in enumerate(names)}
    whole = sum(counts.values())
    return {name: (count, count / whole if whole else 0.0) for name, count in counts.items()}


def _compare(counted: int, record: Mapping[str, Any], options: Options, runtime: Runtime) -> None:
    """Warn where replicas have counted more inferences than were sent here."""
    sent = len(record["latencies"]) + len(record["failures"]) + options.load.warmup
    if counted > sent:
        runtime.warn(
            f"the replicas counted {counted} inferences of the model, and {sent} were sent here:"
            " somebody else asked it meanwhile, which is in the figures and in the shares"
        )


def _unanswered(record: Mapping[str, Any], address: str) -> BenchmarkError:
    sent = len(record["failures"])
    if not sent:
        return BenchmarkError(
            "no request was sent in time",
            option="run_timeout",
            subject=address,
            hint="The warm-up took all of it; raise it, or lower warmup",
        )
    kind = record["failures"][0][1]
    return BenchmarkError(
        f"none of {sent} requests has an answer; the first: {kind}, {record['examples'][kind]}",
        subject=address,
        hint="Ask the model with model_status, and look at the log of the server",
    )


def _judged(result: Dict[str, Any], options: Options, runtime: Runtime, begun: float) -> Result:
    """Return the result, or raise what is wrong with it."""
    for text in warnings(result, options):
        runtime.warn(text)
    found = {
        **result,
        "changed": bool(options.dest),
        "files": files.paths(options.dest),
        "seconds": round(time.monotonic() - begun, 3),
        "msg": table(result),
    }
    if not result["complete"] and not options.load.duration:
        raise BenchmarkError(
            f"{result['requests']['sent']} of {options.load.requests} requests were sent when the"
            f" {options.load.limit:g} s were over",
            option="run_timeout",
            subject=result["address"],
            hint="Send less, or raise it",
            details=found,
        )
    if result["passed"] or options.report_only:
        return found
    broken = [words(item) for item in result["slo"] if not item["ok"]]
    raise SloError(
        f"the objective is not kept: {'; '.join(broken)}",
        option="slo",
        subject=result["address"],
        hint="Give the server more replicas or CPU, or measure with report_only; the figures are in"
        " error.details",
        details=found,
    )
