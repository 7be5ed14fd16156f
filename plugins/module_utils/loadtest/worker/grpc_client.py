# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gRPC requests with the real C(tritonclient), which is imported only where it is asked for."""

from __future__ import annotations

import platform
import sys
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .failure import Failure, MissingPackage

# The largest message that gRPC can have (protobuf's own limit).
LARGEST = 2**31 - 1
CONNECTION_LOST = ("UNAVAILABLE", "DEADLINE_EXCEEDED")


def load() -> Any:
    """Return the module C(tritonclient.grpc).

    Raises:
        MissingPackage: it is not installed here.
    """
    try:
        import tritonclient.grpc
    except (ImportError, RuntimeError) as error:  # the latter is what it makes of the former
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        # The last line: numpy's error is a page.
        why = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise MissingPackage(
            f"tritonclient[grpc] is missing in Python {version} on {platform.machine()}: {why}"
        ) from None
    return tritonclient.grpc


def connect(address: str, plan: Mapping[str, Any]) -> Any:
    """Return a C(tritonclient) with a connection of its own.

    Channels with the same target and arguments share a connection in gRPC, so that many clients
    would measure one.

    Raises:
        MissingPackage: it is not installed here.
        OSError: a certificate cannot be read.
    """
    module = load()
    tls: Optional[Mapping[str, Any]] = plan.get("tls")
    arguments: List[Any] = [
        ("grpc.max_send_message_length", LARGEST),
        ("grpc.max_receive_message_length", LARGEST),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if plan["server_name"]:
        # What is connected to may have another name than the server behind it.
        arguments.append(("grpc.default_authority", plan["host"]))
        if tls is not None:
            arguments.append(("grpc.ssl_target_name_override", plan["server_name"]))
    return module.InferenceServerClient(
        address,
        ssl=tls is not None,
        root_certificates=(tls or {}).get("ca") or None,
        private_key=(tls or {}).get("key") or None,
        certificate_chain=(tls or {}).get("cert") or None,
        channel_args=arguments,
    )


def describe(address: str, plan: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a server says of a model, in the form of REST.

    Raises:
        Failure: it gives no answer, or does not serve the model.
        MissingPackage: the client is not installed here.
    """
    client = connect(address, plan)
    try:
        found = client.get_model_metadata(
            plan["model"], plan["version"], client_timeout=plan["timeout"]
        )
    except Exception as error:
        raise _failure(error) from None
    finally:
        client.close()
    return {
        side: [
            {"name": item.name, "datatype": item.datatype, "shape": list(item.shape)}
            for item in getattr(found, side)
        ]
        for side in ("inputs", "outputs")
    }


def _failure(error: Exception) -> Failure:
    """Return the failure of a call, by the code that gRPC gives it.

    Raises:
        Exception: it is no answer of gRPC.
    """
    from tritonclient.utils import InferenceServerException

    if not isinstance(error, InferenceServerException):
        raise error
    kind = str(error.status() or "gRPC").rpartition(".")[2]
    return Failure(kind, str(error.message()), lost=kind in CONNECTION_LOST)


class GrpcClient:
    """Sends one request again and again to an address."""

    def __init__(self, address: str, plan: Mapping[str, Any], inputs: Sequence[Any]) -> None:
        self._client = connect(address, plan)
        self._given: Dict[str, Any] = {
            "model_name": plan["model"],
            "model_version": plan["version"],
            "inputs": inputs,
            "client_timeout": plan["timeout"],
        }

    def infer(self) -> int:
        """Ask for one inference; return the bytes of its answer.

        Raises:
            Failure: there is none.
        """
        try:
            answer = self._client.infer(**self._given)
        except Exception as error:
            raise _failure(error) from None
        return int(answer.get_response().ByteSize())

    def close(self) -> None:
        """Close the channel."""
        self._client.close()


def tensors(described: Sequence[Mapping[str, Any]], raws: Sequence[bytes]) -> List[Any]:
    """Return inputs as C(tritonclient) has them.

    Raises:
        MissingPackage: it is not installed here.
    """
    module = load()
    import numpy
    from tritonclient import utils

    found = []
    for item, raw in zip(described, raws):
        datatype, shape = item["datatype"], item["shape"]
        if datatype == "BYTES":
            values = utils.deserialize_bytes_tensor(raw)
        elif datatype == "BF16":
            values = utils.deserialize_bf16_tensor(raw)
        else:
            values = numpy.frombuffer(raw, dtype=utils.triton_to_np_dtype(datatype))
        tensor = module.InferInput(item["name"], shape, datatype)
        tensor.set_data_from_numpy(values.reshape(shape))
        found.append(tensor)
    return found
