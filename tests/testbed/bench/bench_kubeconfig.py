# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU of one client from a kubeconfig with an exec plugin: the kubernetes package against ours.

Needs no cluster: the plugins of EKS, GKE and AKS are one program here that prints a token, so the
cost of the real ones comes on top of both. Each round is a process of its own, as a module is.

    tools/run python tests/testbed/bench/bench_kubeconfig.py --rounds 7
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import ssl
import sys
import tempfile
from pathlib import Path
from typing import Any

import measure
import yaml

TOKEN = {"kind": "ExecCredential", "status": {"token": "t"}}
BETA = "client.authentication.k8s.io/v1beta1"
EMPTY = "import yaml, ssl, json"
PACKAGE = (
    "import sys; from kubernetes import client, config\n"
    "api = config.new_client_from_config(sys.argv[1])\n"
    "assert client.CoreV1Api(api) is not None"
)
OURS = (
    "import sys\n"
    "from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient\n"
    "assert KubeClient.from_params({'kubeconfig': sys.argv[1]}).endpoint.authorization"
)


def users(program: str) -> dict[str, dict[str, Any]]:
    """The C(exec) that each tool writes, with another command."""
    common = {"apiVersion": BETA, "command": program}
    variables = [{"name": "AWS_PROFILE", "value": "edge"}]
    return {
        "EKS": {
            **common,
            "args": ["--region", "eu-1", "eks", "get-token", "--cluster-name", "edge"],
            "env": variables,
        },
        "GKE": {**common, "installHint": "Install the plugin", "provideClusterInfo": True},
        "AKS": {
            **common,
            "args": ["get-token", "--environment", "AzurePublicCloud", "--login", "spn"],
            "interactiveMode": "IfAvailable",
        },
    }


def write(folder: Path, name: str, program: dict[str, Any]) -> Path:
    """Write a kubeconfig of the usual shape and return its path."""
    authority = next(iter(ssl.create_default_context().get_ca_certs(binary_form=True)))
    data = base64.b64encode(ssl.DER_cert_to_PEM_cert(authority).encode()).decode()
    cluster = {"server": "https://edge.example", "certificate-authority-data": data}
    path = folder / name
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"exec": program}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = folder / "plugin"
        answer = json.dumps({"apiVersion": BETA, **TOKEN})
        program.write_text(f"#!/bin/sh\necho '{answer}'\n")
        program.chmod(0o755)
        print("| kubeconfig | kubernetes package, CPU s | ours, CPU s | saved, CPU s |")
        print("|---|---|---|---|")
        for shape, wanted in users(str(program)).items():
            path = write(folder, shape, wanted)
            found: dict[str, list[measure.Sample]] = {EMPTY: [], PACKAGE: [], OURS: []}
            for _ in range(rounds):
                for code, samples in found.items():
                    command = [sys.executable, "-c", code, str(path)]
                    samples.append(measure.run(command, os.environ, folder / "log"))
            floor = measure.median(found[EMPTY])
            theirs, ours = (
                measure.median(found[code]).minus(floor).cpu for code in (PACKAGE, OURS)
            )
            print(f"| {shape} | {theirs:.2f} | {ours:.2f} | {theirs - ours:.2f} |")


if __name__ == "__main__":
    main()
