"""Engines that fail: nothing of them is kept, and one line says why."""

import numpy as np
import pytest

from build_engines.cli import main
from tests.build.tensorrt.shown import certificate, complaints


def only(name, change):
    """A fault of one output."""
    return lambda output, array: change(array) if output == name else array


FAULTS = [
    ({"output": only("y", lambda y: y * np.float32(1.1))}, "output 'y' at profile 0 min (rows 1) has 20.0 dB of"),
    ({"output": only("y", lambda y: y * 0)}, "output 'y' at profile 0 min (rows 1) is zeros alone"),
    (
        {"output": only("y", lambda y: np.where(y == y.max(), np.nan, y))},
        "profile 0 min (rows 1): graph 'vocoder' gave",
    ),
    (
        {"output": only("y", lambda y: y if y.shape[1] < 64 else -y)},
        "output 'y' at profile 1 max (rows 64) has -6.0 dB of 25.0 dB",
    ),
    ({"execute": True}, "profile 0 min (rows 1): graph 'vocoder' failed: IExecutionContext: Cuda failure"),
    (
        {"memory": "execute"},
        "profile 0 min (rows 1): graph 'vocoder' failed: IExecutionContext: Cuda failure: out of m",
    ),
    ({"memory": "context"}, "graph 'vocoder' has no memory for an execution context: Cuda failure: out of memory"),
    ({"memory": "engine"}, "TensorRT refuses the engine of 'vocoder': Cuda failure: out of memory"),
    ({"truncated": 300}, "TensorRT refuses the engine of 'vocoder': The engine plan file is corrupt"),
    ({"truncated": 5}, "TensorRT refuses the engine of 'vocoder': The engine plan file is corrupt"),
    ({"build": True}, "graph 'vocoder' can't be built: Could not find any implementation for node"),
    ({"memory": "build"}, "out of memory; close other programs or give a smaller --workspace"),
    (
        {"parse": "QuantizeLinear"},
        "graph 'vocoder' (tensorrt/vocoder.onnx): TensorRT 10.3.0 can't take operator QuantizeLinear (node "
        "'head/quantize'): No importer registered for op: QuantizeLinear",
    ),
]


@pytest.mark.parametrize(
    ("fault", "reason"), FAULTS, ids=lambda value: "-".join(value) if isinstance(value, dict) else ""
)
def test_what_fails_is_not_kept_and_one_line_says_why(fault, reason, quantized, board, capsys):
    for name, value in fault.items():
        setattr(board.trt.faults, name, value)
    assert main(["engine", str(quantized), "--graph", "vocoder"]) == 1
    (line,) = complaints(capsys)
    assert line.startswith("vocoder: ")
    assert reason in line
    assert line.endswith("; ONNX Runtime goes on speaking")
    (path,) = board.engines()
    assert not (path / "engine.plan").read_bytes()
    assert not certificate(path)["passed"]
    assert certificate(path)["reason"] in line
    # Once the fault is gone, the same command makes it good.
    board.trt.faults.__init__()
    assert main(["engine", str(quantized), "--graph", "vocoder"]) == 0


def test_wrong_logits_of_the_bound_step_are_found(quantized, board, capsys):
    runs = []

    def later(logits):
        runs.append(1)
        return logits if len(runs) < 4 else logits + 1  # right in a plain run, wrong in the launch of the CUDA graph

    board.trt.faults.output = only("logits", later)
    assert main(["engine", str(quantized), "--graph", "gpt_step"]) == 1
    (line,) = complaints(capsys)
    assert "output 'logits' at profile 0 min (buffer 16) has" in line


def test_a_lost_gpu_fails_the_engine_and_not_the_program(quantized, board, capsys):
    # The first device is asked who it is, the second one certifies.
    board.prepare = lambda device: setattr(device, "fail_call", 0 if len(board.devices) == 1 else 9)
    assert main(["engine", str(quantized), "--graph", "vocoder"]) == 1
    (line,) = complaints(capsys)
    assert "the GPU's context is lost" in line


def test_no_memory_on_the_gpu_fails_the_engine(quantized, board, capsys):
    board.prepare = lambda device: setattr(device, "fail_allocation", 0 if len(board.devices) == 1 else 2)
    assert main(["engine", str(quantized), "--graph", "vocoder"]) == 1
    assert "the GPU has no memory left" in complaints(capsys)[0]
    assert all(device.held == 0 for device in board.devices)


def test_the_other_graph_is_built_when_one_fails(quantized, board, capsys):
    board.trt.faults.output = only("logits", lambda logits: logits * 0)
    assert main(["engine", str(quantized)]) == 1
    shown = capsys.readouterr()
    assert "gpt_step: output 'logits'" in shown.err
    assert "vocoder: certified" in shown.out
    assert "hear it" not in shown.out


def test_a_build_again_that_fails_leaves_the_certified_engine(quantized, board, capsys):
    assert main(["engine", str(quantized)]) == 0
    plans = {path: (path / "engine.plan").read_bytes() for path in board.engines()}
    board.trt.faults.output = lambda name, array: array * 0
    assert main(["engine", str(quantized), "--force"]) == 1
    lines = complaints(capsys)
    assert len(lines) == 2
    assert all(line.endswith("the engine that was certified before stays") for line in lines)
    assert {path: (path / "engine.plan").read_bytes() for path in board.engines()} == plans
