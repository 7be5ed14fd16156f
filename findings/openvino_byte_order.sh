#!/bin/sh
# OpenVINO 2026.4.1 and ovmsclient 2023.1: the bytes of a big-endian array are taken as they are.
#
# numpy loads big-endian .npy files as they were written. A request with such an array
# (compiled_model([x])) is converted and right; opset.constant, openvino.Tensor and the
# make_tensor_proto of ovmsclient copy its bytes under the type float32, so that 1.0 becomes
# 4.6e-41. tritonclient 2.73.0 refuses such an array. Guess before the run: all of them convert, or
# refuse.
#
# Who it hurts: weights or golden inputs that were stored by another machine, or in a format with
# network byte order.
#
# Seen: as below.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6 ovmsclient==2023.1 || exit 2
cat >"$work/seen.py" <<'PYTHON'
import numpy
import openvino
from openvino import opset13
from ovmsclient import make_tensor_proto

big = numpy.array([1, 2], dtype=">f4")
x = opset13.parameter([2], numpy.float32, name="x")
same = openvino.Model([opset13.add(x, opset13.constant(numpy.zeros(2, "float32")))], [x], "same")
print("request", openvino.compile_model(same, "CPU")([big])[0])
print("constant", opset13.constant(big).data)
print("Tensor", openvino.Tensor(big).data)
print("ovmsclient", numpy.frombuffer(make_tensor_proto(big).tensor_content, "<f4"))
PYTHON
"$work/venv/bin/python" -W ignore "$work/seen.py" >"$work/now"
cat >"$work/then" <<'OUTPUT'
request [1. 2.]
constant [4.6006e-41 8.9683e-44]
Tensor [4.6006e-41 8.9683e-44]
ovmsclient [4.6006e-41 8.9683e-44]
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-11-30"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
