# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of rollouts and clusters as ConfigMaps of a hub. Pure.

A rollout is one ConfigMap, its head. The states of its clusters are in others, its shards: a
ConfigMap holds 1 MiB, and the tasks of a run that write at the same time should not all change the
same object. A cluster has a key of its own in its shard, so that no write touches another's.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from typing import Any, Dict, List, Mapping

from ...errors import InputError
from ...store import MANAGED_BY, MANAGED_BY_LABEL
from ..slices import Share
from ..states import Cluster
from .base import Holder, Rollout, now

Object = Mapping[str, Any]
Json = Dict[str, Any]

# On the head of each rollout: which fleet it is of, and its number.
FLEET_LABEL = "openvino.edge/fleet"
# On the shards: the number of their rollout.
ROLLOUT_LABEL = "openvino.edge/clusters-of-rollout"
# On what slices tell each other: the number of their rollout.
SLICE_LABEL = "openvino.edge/slice-of-rollout"
# On heads and leases: the name of the fleet, which a label could not hold.
FLEET_ANNOTATION = "openvino.edge/fleet-name"
# Shards of a rollout, of which a small fleet uses as many as it has clusters. The record of a
# cluster takes 300 bytes, and at most some 2 KiB (a reason of 300 characters of 4 bytes), so the
# 1 MiB of each is enough for 30,000 clusters in the worst case.
SHARDS = 64


def digest(text: str) -> str:
    """Return a short name for a text that a label or a key could not hold."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def head_name(number: int) -> str:
    """Return the name of the ConfigMap of a rollout."""
    return f"edge-rollout-{number}"


def shard_name(number: int, cluster: str) -> str:
    """Return the name of the ConfigMap that has the state of a cluster."""
    return f"{head_name(number)}-{int(digest(cluster)[:4], 16) % SHARDS:02}"


def slice_name(number: int, key: str) -> str:
    """Return the name of the ConfigMap in which a slice tells what it does."""
    return f"{head_name(number)}-slice-{key}"


def lease_name(fleet: str, key: str = "") -> str:
    """Return the name of the Lease of who works on a fleet, or on the slice of it with a key."""
    return f"edge-fleet-{digest(fleet)}" + (f"-{key}" if key else "")


def head(rollout: Rollout, namespace: str) -> Json:
    """Return the ConfigMap of a new rollout."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": head_name(rollout.number),
            "namespace": namespace,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, FLEET_LABEL: digest(rollout.fleet)},
        },
        "data": {
            "fleet": rollout.fleet,
            "plan": rollout.plan,
            "holder": holder_text(rollout.holder),
            "began": rollout.began,
        },
    }


def number_of(obj: Object) -> int:
    """Return the number of the rollout whose head an object is; 0 if it is none."""
    text = str(obj["metadata"]["name"]).rpartition("-")[2]
    return int(text) if text.isdecimal() and obj["metadata"]["name"] == head_name(int(text)) else 0


def rollout(obj: Object) -> Rollout:
    """Return the rollout that a head tells of.

    Raises:
        InputError: somebody has changed it, so that it tells of none.
    """
    data = obj.get("data") or {}
    try:
        return Rollout(
            number_of(obj),
            data["fleet"],
            data["plan"],
            Holder.of_record(json.loads(data["holder"])),
            data["began"],
            data.get("stopped", ""),
            data.get("ended", ""),
            data.get("verdict", ""),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _unreadable(obj, error) from error


def holder_text(holder: Holder) -> str:
    """Return a holder as the head has it."""
    return json.dumps(holder.as_record())


def shard(number: int, cluster: Cluster, owner: Object) -> Json:
    """Return the ConfigMap that has the state of a first cluster."""
    name = shard_name(number, cluster.name)
    return _part(name, {ROLLOUT_LABEL: str(number)}, state(cluster), owner)


def share_object(number: int, share_: Share, owner: Object) -> Json:
    """Return the ConfigMap in which a slice tells what it does."""
    clusters_ = {"clusters": share_.clusters, "groups": share_.groups}
    data = {"share": json.dumps(clusters_, ensure_ascii=False), "done": str(share_.done)}
    return _part(slice_name(number, share_.key), {SLICE_LABEL: str(number)}, data, owner)


def share(obj: Object) -> Share:
    """Return what a slice tells.

    Raises:
        InputError: somebody has changed it, so that it tells nothing.
    """
    try:
        data = obj["data"]
        told_ = json.loads(data["share"])
        return Share(
            str(obj["metadata"]["name"]).rpartition("-")[2],
            tuple(told_["clusters"]),
            told_["groups"],
            int(data["done"]),
            bool(data.get("ended")),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _unreadable(obj, error) from error


def _part(name: str, labels: Mapping[str, str], data: Mapping[str, str], owner: Object) -> Json:
    """Return a ConfigMap that goes with the head of its rollout."""
    meta = owner["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": meta["name"], "uid": meta["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, **labels},
            "ownerReferences": [reference],
        },
        "data": dict(data),
    }


def state(cluster: Cluster) -> Dict[str, str]:
    """Return the key of a cluster with its state."""
    # Without what is empty or false, but with the number 0.
    whole = asdict(cluster).items()
    told = {key: value for key, value in whole if value not in ("", None) and value is not False}
    text = json.dumps({**told, "at": now()}, ensure_ascii=False, separators=(",", ":"))
    return {digest(cluster.name): text}


def clusters(obj: Object) -> List[Cluster]:
    """Return the clusters whose states a shard has.

    Raises:
        InputError: somebody has changed it, so that it has none.
    """
    known = {field.name for field in fields(Cluster)}
    try:
        return [
            Cluster(**{key: value for key, value in json.loads(text).items() if key in known})
            for text in (obj.get("data") or {}).values()
        ]
    except (AttributeError, ValueError, TypeError) as error:
        raise _unreadable(obj, error) from error


def identity(holder: Holder) -> str:
    """Return how a Lease names its holder, such as C(awx-7/42/190112/815)."""
    return f"{holder.host}/{holder.pid}/{holder.started}/{holder.job}"


def told(identity_: str) -> str:
    """Return the holder that a Lease names, for people."""
    parts = identity_.split("/")
    if len(parts) != 4 or not parts[1].isdecimal():
        return f"'{identity_}'"
    return str(Holder(parts[0], int(parts[1]), parts[2], parts[3]))


def _unreadable(obj: Object, error: Exception) -> InputError:
    meta = obj["metadata"]
    return InputError(
        f"it is not as a rollout has written it: {error}",
        option="journal",
        subject=f"ConfigMap {meta.get('namespace')}/{meta['name']} of the hub",
        hint="Put back what was changed; or remove the ConfigMap of that rollout to give it up",
    )
