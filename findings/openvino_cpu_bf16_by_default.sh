#!/bin/sh
# OpenVINO 2026.4.1: with ONEDNN_MAX_CPU_ISA=AVX2 on a CPU that has AVX512_BF16, a plain float32 model cannot be loaded.
#
# Such a CPU computes float32 models with bfloat16 unless INFERENCE_PRECISION_HINT says f32. The plugin chooses that by
# the CPU it runs on; oneDNN, to which the variable belongs, then has no bfloat16 any more, and compile_model raises
# with words about a primitive descriptor. With the hint f32 it works. Guess before the run: the plugin asks oneDNN what
# it may use, and computes with float32.
#
# Who it hurts: whoever limits instructions to make the machines of a fleet answer alike, or to try an older CPU: the
# same setting is fine on half of the fleet, and on the rest no model loads, with an error that names neither.
#
# Seen: bf16 without the variable; with it a RuntimeError of compile_model; with the hint f32 an answer.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages, or such a CPU, could not be had.
set -eu

grep -q avx512_bf16 /proc/cpuinfo || { echo "this CPU has no AVX512_BF16" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6 || exit 2
cat >"$work/seen.py" <<'PYTHON'
import os
import sys

import numpy
import openvino
from openvino import opset13

x = opset13.parameter([1, 64], numpy.float32, name="x")
weights = opset13.constant(numpy.random.default_rng(7).standard_normal((64, 64)).astype(numpy.float32) / 8)
model = openvino.Model([opset13.matmul(x, weights, False, False)], [x], "product")
given = {"INFERENCE_PRECISION_HINT": sys.argv[1]} if sys.argv[1:] else {}
try:
    compiled = openvino.compile_model(model, "CPU", given)
    compiled([numpy.ones((1, 64), numpy.float32)])
    came = "computes with " + compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
except RuntimeError as error:
    came = "RuntimeError" + " about a primitive descriptor" * ("primitive descriptor" in str(error))
limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "none")
print(f"limit {limit}, hint {sys.argv[1:] or 'none'}: {came}")
PYTHON
{
    "$work/venv/bin/python" -W ignore "$work/seen.py"
    ONEDNN_MAX_CPU_ISA=AVX2 "$work/venv/bin/python" -W ignore "$work/seen.py"
    ONEDNN_MAX_CPU_ISA=AVX2 "$work/venv/bin/python" -W ignore "$work/seen.py" f32
} >"$work/now"
cat >"$work/then" <<'OUTPUT'
limit none, hint none: computes with bf16
limit AVX2, hint none: RuntimeError about a primitive descriptor
limit AVX2, hint ['f32']: computes with f32
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-11-30"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
