#!/bin/sh
# OpenVINO 2026.4.1 (Python): numbers of bfloat16 inputs and outputs are taken for numpy's float16, bit by bit.
#
# numpy has no bfloat16, so the array of such a tensor says float16, and has the bits of bfloat16: an output of 1.0 reads
# 1.875. request.infer() writes float32 into it as float16, so that 1.0 goes in as 0.0078125; compiled_model() does so
# with float16, and refuses float32. Where a model has both, the two errors undo each other. Guess before the run:
# ml_dtypes.bfloat16, as tritonclient has it, or a refusal.
#
# Who it hurts: golden values of a model with bfloat16 at its ends, next to those that a server gives.
#
# Seen: as below; right are arrays of ml_dtypes.bfloat16 given to compiled_model(), and outputs after .view(bfloat16).
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    openvino==2026.4.1 numpy==2.4.6 ml_dtypes==0.5.4 || exit 2
cat >"$work/seen.py" <<'PYTHON'
import numpy
import openvino
from ml_dtypes import bfloat16
from openvino import opset13

GIVEN = numpy.array([1, 2, 0.5], numpy.float32)


def model(source, target):
    """Make a model that turns three numbers of one type into another."""
    x = opset13.parameter([3], source, name="x")
    return openvino.compile_model(openvino.Model([opset13.convert(x, target)], [x], "turn"), "CPU")


def tell(what, call):
    """Print what a call gives."""
    try:
        print(what, "->", call().tolist())
    except ValueError:
        print(what, "-> ValueError")


into, out = model(openvino.Type.bf16, "f32"), model(openvino.Type.f32, "bf16")
for kind in (numpy.float32, numpy.float16, bfloat16):
    array = GIVEN.astype(kind)
    tell(f"bf16 to f32, infer() of {array.dtype}", lambda: into.create_infer_request().infer([array])[0])
    tell(f"bf16 to f32, compiled_model() of {array.dtype}", lambda: into([array])[0])
answer = out([GIVEN])[0]
tell(f"f32 to bf16, {answer.dtype}", lambda: answer)
tell("f32 to bf16, .view(bfloat16)", lambda: answer.view(bfloat16))
PYTHON
"$work/venv/bin/python" -W ignore "$work/seen.py" >"$work/now"
cat >"$work/then" <<'OUTPUT'
bf16 to f32, infer() of float32 -> [0.0078125, 2.0, 3.0517578125e-05]
bf16 to f32, compiled_model() of float32 -> ValueError
bf16 to f32, infer() of float16 -> [0.0078125, 2.0, 3.0517578125e-05]
bf16 to f32, compiled_model() of float16 -> [0.0078125, 2.0, 3.0517578125e-05]
bf16 to f32, infer() of bfloat16 -> [0.0078125, 2.0, 3.0517578125e-05]
bf16 to f32, compiled_model() of bfloat16 -> [1.0, 2.0, 0.5]
f32 to bf16, float16 -> [1.875, 2.0, 1.75]
f32 to bf16, .view(bfloat16) -> [1.0, 2.0, 0.5]
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-12-01"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
