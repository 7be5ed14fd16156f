# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a PNG with known words; print the words, one line each."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_ocr.drawing import draw, words_for


def main() -> None:
    """Draw one picture."""
    parser = argparse.ArgumentParser(description="Draw a picture with known words.")
    parser.add_argument("--seed", type=int, default=0, help="chooses the digits")
    parser.add_argument("--text", action="append", help="a line of its own; may be repeated")
    parser.add_argument("--output", type=Path, required=True, help="the PNG to write")
    options = parser.parse_args()
    lines = options.text or words_for(options.seed)
    draw(lines).save(options.output)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
