# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the text of a picture with the OCR models that a server serves, and compare it.

    read_text.py --namespace edge-models --server ovms --kubeconfig FILE --seed 7
    read_text.py --url http://127.0.0.1:8081 --picture words.png --expect "OPENVINO EDGE 2026"
    read_text.py --local --seed 7

The first form asks every ready replica through the API server's pod proxy and needs the
collection's import path (``PYTHONPATH=collections``). With ``--seed`` the picture is drawn here
and its words are what is expected. Ends with 1 when a replica reads something else, with 2 when
one does not answer.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_ocr.cache import default_repository
from edge_ocr.drawing import draw, words_for
from edge_ocr.kserve import ServingError
from edge_ocr.reading import read_picture, same_text
from edge_ocr.recognition import repository_dictionary
from edge_ocr.serving import LocalNetwork, Network, RestNetwork, ask_url
from PIL import Image


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Read text with a served OCR model pair.")
    where = parser.add_argument_group("where the models are served (default: a cluster)")
    where.add_argument("--kubeconfig", help="file of the cluster; default as kubectl")
    where.add_argument("--context", help="of the kubeconfig")
    where.add_argument("--namespace", default="default")
    where.add_argument("--server", default="ovms", help="name of the model server")
    where.add_argument("--port", type=int, default=8081, help="REST port of the pods")
    where.add_argument("--url", help="ask this address instead of a cluster")
    where.add_argument("--local", action="store_true", help="no server: OpenVINO in this process")
    what = parser.add_argument_group("what is read")
    what.add_argument("--seed", type=int, default=0, help="draw the picture of this seed")
    what.add_argument("--picture", type=Path, help="read this file instead")
    what.add_argument("--expect", action="append", metavar="LINE", help="may be repeated")
    parser.add_argument("--repository", type=Path, default=default_repository())
    parser.add_argument("--json", action="store_true", help="tensors as JSON, not binary")
    return parser.parse_args()


def picture_of(options: argparse.Namespace) -> tuple[Image.Image, list[str] | None]:
    """Return the picture and the words it has to hold (None: whatever is read is fine)."""
    if options.picture:
        return Image.open(options.picture), options.expect
    words = words_for(options.seed)
    return draw(words), options.expect or words


@contextmanager
def networks(options: argparse.Namespace) -> Iterator[dict[str, Network]]:
    """Give the networks to ask, by a name for the reader."""
    binary = not options.json
    if options.local:
        yield {"local": LocalNetwork(options.repository)}
    elif options.url:
        yield {options.url: RestNetwork(ask_url(options.url), binary=binary)}
    else:
        from edge_ocr.cluster import Server, replicas  # needs the collection

        server = Server(options.namespace, options.server, options.port)
        with replicas(options.kubeconfig, options.context, server) as pods:
            yield {name: RestNetwork(ask, binary=binary) for name, ask in pods.items()}


def read_all(options: argparse.Namespace) -> bool:
    """Print what each replica reads; say whether all read what is expected."""
    picture, expected = picture_of(options)
    dictionary = repository_dictionary(options.repository)
    good = True
    with networks(options) as asked:
        for name, network in asked.items():
            begun = time.monotonic()
            read = read_picture(picture, network, dictionary)
            seconds = time.monotonic() - begun
            print(f"{name}: {' | '.join(read)} ({seconds:.2f} s)")
            if expected is not None and not same_text(read, expected):
                print(f"{name}: expected {' | '.join(expected)}", file=sys.stderr)
                good = False
    return good


def main() -> int:
    """Return the exit code."""
    try:
        return 0 if read_all(arguments()) else 1
    except (ServingError, OSError) as error:
        print(f"read_text: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
