#!/bin/sh
# OpenVINO 2026.4.1: with CACHE_DIR, compile_model(path) gives the old weights when only the .bin file has changed.
#
# What is cached is found by path, size and modification time of the .xml file; the .bin is not looked at. A model that
# was trained again has the same .xml to the byte. Tools that leave equal files alone (ansible.builtin.copy, rsync
# --checksum, git) then replace the .bin only, and compile_model goes on with the weights of before. read_model and then
# compile_model hash the weights and are right. Guess before the run: the new weights.
#
# Who it hurts: applications that update a model in place under one path. Directories of their own for each version
# escape it, and so do those who read the model first.
#
# Seen: as below.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6 || exit 2
cat >"$work/train.py" <<'PYTHON'
import sys

import numpy
import openvino
from openvino import opset13

x = opset13.parameter([1, 4], numpy.float32, name="x")
weights = opset13.constant(numpy.full((4, 4), float(sys.argv[2]), numpy.float32), name="weights")
product = opset13.matmul(x, weights, False, False, name="product")
openvino.save_model(openvino.Model([product], [x], "model"), sys.argv[1], compress_to_fp16=False)
PYTHON
cat >"$work/serve.py" <<'PYTHON'
import sys

import numpy
import openvino

core = openvino.Core()
core.set_property({"CACHE_DIR": "cache"})
model = "served/model.xml" if sys.argv[1] == "path" else core.read_model("served/model.xml")
compiled = core.compile_model(model, "CPU")
answer = compiled([numpy.ones((1, 4), numpy.float32)])[0][0, 0]
print(f"compile_model({sys.argv[1]}): answers {answer}, from the cache: {compiled.get_property('LOADED_FROM_CACHE')}")
PYTHON
cd "$work"
mkdir first second
venv/bin/python -W ignore train.py first/model.xml 1
venv/bin/python -W ignore train.py second/model.xml 5
{
    cmp -s first/model.xml second/model.xml && echo "both .xml files are equal"
    cmp -s first/model.bin second/model.bin || echo "the .bin files differ"
    cp -r first served
    echo "weights of 1:"
    venv/bin/python -W ignore serve.py path
    cp second/model.bin served/model.bin
    echo "weights of 5:"
    venv/bin/python -W ignore serve.py path
    venv/bin/python -W ignore serve.py read_model
    echo "weights of 5, .xml touched:"
    touch -d '1 hour ago' served/model.xml
    venv/bin/python -W ignore serve.py path
} >"$work/now"
cat >"$work/then" <<'OUTPUT'
both .xml files are equal
the .bin files differ
weights of 1:
compile_model(path): answers 4.0, from the cache: False
weights of 5:
compile_model(path): answers 4.0, from the cache: True
compile_model(read_model): answers 20.0, from the cache: False
weights of 5, .xml touched:
compile_model(path): answers 20.0, from the cache: False
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-12-01"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
