#!/bin/sh
# OpenVINO 2026.4.1 (Python): an input that a call does not name has the value of the call before.
#
# compiled_model({...}) and compiled_model([...]) take fewer inputs than the model has, without a word. What is missing
# stays as the last call left it, and is whatever memory holds in the first. Only a single array instead of a list is
# refused. onnxruntime and model servers refuse all of it. Guess before the run: an error that names the input.
#
# Who it hurts: golden values that were computed with a misspelt or forgotten input, such as a mask: the answer is
# plausible, and depends on what was asked before.
#
# Seen: x * 10 + y with y of the call before, also after the array that y was given as has been changed.
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


def one(number):
    return numpy.array([number], numpy.float32)


x, y = (opset13.parameter([1], numpy.float32, name=name) for name in "xy")
for parameter in (x, y):
    parameter.output(0).set_names({parameter.get_friendly_name()})
total = opset13.add(opset13.multiply(x, opset13.constant(one(10))), y)
compiled = openvino.compile_model(openvino.Model([total], [x, y], "two"), "CPU")
given = one(5)
print("x=1 y=5:", compiled({"x": one(1), "y": given})[0])
print("x=2:", compiled({"x": one(2)})[0])
print("[3]:", compiled([one(3)])[0])
given[0] = 7
print("x=4, the array of y is 7 now:", compiled({"x": one(4)})[0])
try:
    compiled(one(1))
except RuntimeError:
    print("an array: RuntimeError")
PYTHON
"$work/venv/bin/python" -W ignore "$work/seen.py" >"$work/now"
cat >"$work/then" <<'OUTPUT'
x=1 y=5: [15.]
x=2: [25.]
[3]: [35.]
x=4, the array of y is 7 now: [47.]
an array: RuntimeError
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-12-01"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
