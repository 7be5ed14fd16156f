# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the report of an invented fleet: make_report.py [--clusters N] [--seed N] DIRECTORY."""

from __future__ import annotations

import argparse
import json
import os

from ansible_collections.openvino.edge.plugins.plugin_utils.report import files
from ansible_collections.openvino.edge.plugins.plugin_utils.report.document import document
from ansible_collections.openvino.edge.plugins.plugin_utils.report.junit import junit
from ansible_collections.openvino.edge.plugins.plugin_utils.report.page import page
from ansible_collections.openvino.edge.plugins.plugin_utils.report.prometheus import prometheus
from invent import invented


def main() -> None:
    """Write the four files and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("directory")
    options = parser.parse_args()
    made = document(invented(options.clusters, options.seed))
    written = {
        "report.json": json.dumps(made, indent=1) + "\n",
        "junit.xml": junit(made),
        "metrics.prom": prometheus(made),
        "report.html": page(made),
    }
    files.write(options.directory, written)
    for name in written:
        path = os.path.join(options.directory, name)
        print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
