#!/bin/sh
# OpenVINO 2026.4.1: on the CPU an int64 model computes with 32 bits, and says nothing.
#
# A model whose input, constant and output are all int64 declares int64 for its output, and gives
# what is left of each number modulo 2**32. A float64 model gives the largest float32 for what is
# larger, where numpy has a finite number, and no infinity tells of it. Guess before the run: exact
# numbers, or a refusal to compile.
#
# Who it hurts: identifiers and time stamps in microseconds that pass through a model; a golden
# value that was computed elsewhere.
#
# Seen: 2**40 + 5 comes out as 5, 3000000000 as -1294967296, and 1e300 as 3.4028234663852886e+38.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6 || exit 2
cat >"$work/seen.py" <<'PYTHON'
import numpy
import openvino
from openvino import opset13


def through(kind, *numbers):
    """Send numbers through a model that adds 0, all of one type."""
    x = opset13.parameter([len(numbers)], getattr(numpy, kind), name="x")
    zero = opset13.constant(numpy.zeros(len(numbers), kind))
    model = openvino.Model([opset13.add(x, zero)], [x], "same")
    found = openvino.compile_model(model, "CPU")([numpy.array(numbers, kind)])[0]
    print(kind, "->", found.dtype, [item.item() for item in found])


through("int64", 7, 2**40 + 5, 3_000_000_000)
through("float64", 1.5, 1e300)
PYTHON
"$work/venv/bin/python" -W ignore "$work/seen.py" >"$work/now"
cat >"$work/then" <<'OUTPUT'
int64 -> int64 [7, 5, -1294967296]
float64 -> float64 [1.5, 3.4028234663852886e+38]
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-11-30"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
