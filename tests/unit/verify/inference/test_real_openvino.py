# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenVINO on the CPU changes in answers, against the usual tolerances.

Each instruction set runs in a process of its own, since oneDNN reads ONEDNN_MAX_CPU_ISA once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.compare import (
    Expected,
    Mismatch,
    Numbers,
    compare,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.datatypes import (
    DATATYPES,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.tensors import (
    Tensor,
    from_data,
)

FP32 = DATATYPES["FP32"]
# Weights of an MLP of four layers, in order and one layer shuffled; one layer with weights of INT8.
PROGRAM = """
import json, sys
sys.modules["openvino_telemetry"] = None
import numpy as np, openvino as ov
from openvino import opset13 as ops

# CPUs with instructions for bf16 compute with them unless told, also where ONEDNN_MAX_CPU_ISA has
# none, and then fail: findings/openvino_cpu_bf16_by_default.sh.
F32 = {"INFERENCE_PRECISION_HINT": "f32"}

def answers(layers, inputs):
    x = ops.parameter(list(inputs.shape), np.float32, name="x")
    model = ov.Model([layers(x)], [x], "m")
    return [str(value) for value in ov.Core().compile_model(model, "CPU", F32)(inputs)[0].ravel()]

def mlp(shuffled):
    random = np.random.default_rng(7)
    weights = [random.standard_normal((64, 64)).astype(np.float32) / 8 for _ in range(4)]
    if shuffled:
        weights[2] = random.permutation(weights[2].ravel()).reshape(64, 64)
    def layers(x):
        for weight in weights:
            x = ops.tanh(ops.matmul(x, ops.constant(weight), False, False))
        return x
    return layers

def int8(x):
    ends = [np.float32(0), np.float32(255)]
    levels = ops.fake_quantize(x, *ends, *ends, 256)
    weight = ops.convert(ops.constant(np.full((64, 8), 127, np.int8)), "f32")
    return ops.matmul(levels, ops.multiply(weight, ops.constant(np.float32(0.01))), False, False)

line = np.linspace(-1, 1, 64, dtype=np.float32)[None]
print(json.dumps({
    "mlp": answers(mlp(False), line),
    "shuffled": answers(mlp(True), line),
    "int8": answers(int8, np.full((1, 64), 255, np.float32)),
    "relu": answers(ops.relu, np.array([[np.nan, 1]], np.float32)),
}))
"""


def run(isa: str) -> dict[str, Tensor]:
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": isa}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    return {
        name: from_data("y", FP32, (1, len(values)), values)
        for name, values in json.loads(done.stdout).items()
    }


@pytest.fixture(scope="module")
def oldest() -> dict[str, Tensor]:
    return run("SSE41")


@pytest.fixture(scope="module")
def without_vnni() -> dict[str, Tensor]:
    return run("AVX2")


def usual(expected: Tensor, got: Tensor) -> Mismatch | None:
    return compare(Expected("y", Numbers(FP32.rtol, FP32.atol), expected), got)


def test_another_instruction_set_is_within_the_usual_tolerance(
    oldest: dict[str, Tensor], without_vnni: dict[str, Tensor]
) -> None:
    one, other = oldest["mlp"], without_vnni["mlp"]
    assert one.raw != other.raw
    assert usual(one, other) is None
    assert compare(Expected("y", Numbers(), one), other) is not None


def test_one_shuffled_layer_is_not(without_vnni: dict[str, Tensor]) -> None:
    found = usual(without_vnni["mlp"], without_vnni["shuffled"])
    assert found is not None and found.code == "value"


def test_int8_without_vnni_is_half_of_what_the_original_model_says(
    without_vnni: dict[str, Tensor],
) -> None:
    """Sums of two products saturate at 32767: the golden value of the original stops that."""
    original: Any = np.full((1, 8), 255 * 127 * 0.01 * 64, np.float32)
    got = without_vnni["int8"]
    found = usual(from_data("y", FP32, (1, 8), original.ravel().tolist()), got)
    assert found is not None
    assert got.values()[0] / original[0, 0] == pytest.approx(0.506, abs=0.01)


def test_a_finite_answer_proves_no_finite_way(without_vnni: dict[str, Tensor]) -> None:
    assert list(without_vnni["relu"].values()) == [0.0, 1.0]
