#!/bin/sh
# ovmsclient 2023.1: zero bytes at the end of a binary input are not sent.
#
# OVMS takes encoded pictures as byte strings. make_tensor_proto puts them into a numpy array of
# fixed-width bytes, which has no trailing zeros; so the end of a file that ends with zeros is cut
# off, without a word. A list of strings of different contents is cut in the same way, each by its
# own zeros. Guess before the run: the bytes arrive as they are.
#
# Who it hurts: a BMP whose last pixels are black, and any binary tensor in a string input.
#
# Seen: a BMP of 4 white and 4 black pixels of 78 bytes is sent with 66.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ovmsclient==2023.1 numpy==2.4.6 || exit 2
cat >"$work/seen.py" <<'PYTHON'
import struct

from ovmsclient import make_tensor_proto

# Two rows of four pixels, 24 bits each: the lower row comes first in a file and is white.
pixels = b"\xff" * 12 + b"\x00" * 12
head = struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54)
info = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
picture = head + info + pixels
print("bytes", len(picture), "in a list", [len(x) for x in make_tensor_proto([picture]).string_val])
print("bytes", len(picture), "alone", [len(x) for x in make_tensor_proto(picture).string_val])
PYTHON
"$work/venv/bin/python" -W ignore "$work/seen.py" >"$work/now"
cat >"$work/then" <<'OUTPUT'
bytes 78 in a list [66]
bytes 78 alone [66]
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-11-30"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
