# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration of Envoy as somebody writes it who wants nothing but a fast way to one server.

TLS ends here, REST goes on as HTTP/1 and gRPC as HTTP/2, over connections that stay open. Each
setting that could matter is a listener of its own that differs in that setting alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

API = "type.googleapis.com/envoy"
HTTP = f"{API}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
BEST = "by hand"
# What differs from C(BEST): the setting as a reader knows it, and where it is written below.
OTHERS = (
    "a connection upstream for each request",
    "HTTP/2 windows of 64 KiB",
    "buffers of 32 KiB",
    "each body buffered as a whole",
    "an access log",
)
SMALL_WINDOW = 65535
SMALL_BUFFER = 32768


def _any(kind: str, **fields: Any) -> dict[str, Any]:
    return {"@type": kind if kind.startswith("type.") else f"{API}.{kind}", **fields}


def _filter(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": _any(f"extensions.filters.http.{kind}", **fields)}


def _listener(
    setting: str, address: str, port: int, pair: Mapping[str, str], hosts: Mapping[str, str]
) -> dict[str, Any]:
    filters = [
        _filter("router", "router.v3.Router", dynamic_stats=False, suppress_envoy_headers=True)
    ]
    if setting == OTHERS[3]:
        filters.insert(0, _filter("buffer", "buffer.v3.Buffer", max_request_bytes=2**26))
    routes = [
        {
            "name": name,
            "domains": [host, f"{host}:*"],
            # Nothing is cut off that takes long; Envoy's own default is 15 s.
            "routes": [
                {
                    "match": {"prefix": "/"},
                    "route": {"cluster": f"{name} {setting}", "timeout": "0s"},
                }
            ],
        }
        for name, host in hosts.items()
    ]
    manager = _any(
        HTTP,
        stat_prefix="edge",
        generate_request_id=False,
        route_config={"virtual_hosts": routes},
        http_filters=filters,
    )
    if setting == OTHERS[1]:
        manager["http2_protocol_options"] = _windows()
    if setting == OTHERS[4]:
        log = _any("extensions.access_loggers.file.v3.FileAccessLog", path="/dev/stdout")
        manager["access_log"] = [{"name": "file", "typed_config": log}]
    chain = {"certificate_chain": {"inline_string": pair["certificate"]}}
    chain["private_key"] = {"inline_string": pair["key"]}
    tls = _any(
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context={"tls_certificates": [chain], "alpn_protocols": ["h2", "http/1.1"]},
    )
    made: dict[str, Any] = {
        "name": setting,
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [
            {
                "filters": [{"name": "http", "typed_config": manager}],
                "transport_socket": {"name": "tls", "typed_config": tls},
            }
        ],
    }
    if setting == OTHERS[2]:
        made["per_connection_buffer_limit_bytes"] = SMALL_BUFFER
    return made


def _windows() -> dict[str, int]:
    names = ("initial_stream_window_size", "initial_connection_window_size")
    return dict.fromkeys(names, SMALL_WINDOW)


def _cluster(setting: str, name: str, upstream: tuple[str, int]) -> dict[str, Any]:
    host, port = upstream
    explicit: dict[str, Any] = {"http_protocol_options": {}}
    if name == "grpc":
        windows = _windows() if setting == OTHERS[1] else {}
        explicit = {"http2_protocol_options": windows}
    options = _any(
        "extensions.upstreams.http.v3.HttpProtocolOptions", explicit_http_config=explicit
    )
    if setting == OTHERS[0]:
        options["common_http_protocol_options"] = {"max_requests_per_connection": 1}
    endpoint = {"address": {"socket_address": {"address": host, "port_value": port}}}
    called = f"{name} {setting}"
    made: dict[str, Any] = {
        "name": called,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": called,
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options
        },
    }
    if setting == OTHERS[2]:
        made["per_connection_buffer_limit_bytes"] = SMALL_BUFFER
    return made


def written(
    address: str,
    ports: Mapping[str, int],
    pair: Mapping[str, str],
    hosts: Mapping[str, str],
    upstreams: Mapping[str, tuple[str, int]],
) -> dict[str, Any]:
    """Return the configuration.

    Args:
        address: to listen on.
        ports: by setting, C(BEST) and those of C(OTHERS).
        pair: C(certificate) and C(key) of the server, as PEM.
        hosts: names of the server for C(rest) and C(grpc).
        upstreams: addresses of the server itself for both.
    """
    return {
        "static_resources": {
            "listeners": [
                _listener(setting, address, port, pair, hosts) for setting, port in ports.items()
            ],
            "clusters": [
                _cluster(setting, name, upstream)
                for setting in ports
                for name, upstream in upstreams.items()
            ],
        }
    }
