#!/bin/sh
# OpenVINO 2026.4.1: on the CPU a sum of uint8 numbers stops at 255, where ONNX and numpy wrap around.
#
# The specification of Add in ONNX opset 14 and numpy compute integers modulo their width. The CPU
# plugin gives the largest number instead, for uint8 and int8; for int32 it wraps around as they do.
# Guess before the run: 4, as numpy has it.
#
# Who it hurts: golden values of models that work on image bytes, when they were computed with numpy
# or onnxruntime.
#
# Seen: 250 + 10 is 255 in uint8, 120 + 10 is 127 in int8, and 2**31 - 1 + 1 is -2147483648 in
# int32.
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


def total(kind, first, second):
    """Add two numbers of one type."""
    x = opset13.parameter([1], getattr(numpy, kind), name="x")
    model = openvino.Model([opset13.add(x, opset13.constant(numpy.array([second], kind)))], [x], "sum")
    found = openvino.compile_model(model, "CPU")([numpy.array([first], kind)])[0]
    with numpy.errstate(over="ignore"):
        exact = numpy.array([first], kind) + numpy.array([second], kind)
    print(kind, first, "+", second, "=", found[0], "numpy:", exact[0])


total("uint8", 250, 10)
total("int8", 120, 10)
total("int32", 2**31 - 1, 1)
PYTHON
"$work/venv/bin/python" -W ignore "$work/seen.py" >"$work/now"
cat >"$work/then" <<'OUTPUT'
uint8 250 + 10 = 255 numpy: 4
int8 120 + 10 = 127 numpy: -126
int32 2147483647 + 1 = -2147483648 numpy: -2147483648
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-11-30"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
