"""INT8 products are exact on every processor: x86 without VNNI needs ONNX Runtime to be told."""

import os
import platform
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_tts.engines import onnx as engine

WITH_VNNI = "processor : 0\nflags\t\t: fpu avx2 avx512f avx512_vnni\n\nprocessor : 1\nflags : fpu\n"
WITHOUT = "processor\t: 0\nflags\t\t: fpu avx2 avx512f\n"


@pytest.mark.parametrize(
    ("machine", "text", "expected"),
    [
        ("x86_64", WITH_VNNI, False),
        ("x86_64", "flags : avx2 avx_vnni\n", False),
        ("x86_64", WITHOUT, True),
        ("AMD64", "", True),
        ("aarch64", "Features : fp asimd\n", False),
    ],
)
def test_which_processors_overflow(tmp_path, machine, text, expected):
    (tmp_path / "cpuinfo").write_text(text)
    assert engine._overflows(machine, tmp_path / "cpuinfo") is expected


def test_an_unknown_processor_is_not_trusted(tmp_path):
    assert engine._overflows("x86_64", tmp_path / "missing")


def product():
    """A graph whose largest pairs of products don't fit into 16 bits, its input, and what it must give."""
    random = np.random.default_rng(0)
    weight = random.integers(-127, 128, (64, 16)).astype(np.int8)
    x = random.integers(0, 256, (3, 64)).astype(np.uint8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [3, 64])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [3, 16])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model, x, x.astype(np.int32) @ weight.astype(np.int32)


def test_products_are_exact_here():
    model, x, expected = product()
    made = engine.OnnxEngine().load("product", model.SerializeToString()).run({"x": x})["y"]
    np.testing.assert_array_equal(made, expected)


SCRIPT = """
    import sys
    from pathlib import Path
    import numpy as np
    from edge_tts.engines import onnx as engine
    folder = Path(sys.argv[1])
    engine.CPU_INFO = folder / "cpuinfo"
    data = np.load(folder / "data.npz")
    made = engine.OnnxEngine().load("product", (folder / "model.onnx").read_bytes()).run({"x": data["x"]})["y"]
    print(int((made != data["expected"]).sum()), "wrong")
"""


@pytest.mark.parametrize(("cpuinfo", "exact"), [(WITHOUT, True), (WITH_VNNI, False)])
def test_products_on_an_emulated_processor_without_vnni(tmp_path, cpuinfo, exact):
    """The second case shows that the emulated processor does overflow where nobody takes care."""
    emulator = shutil.which("qemu-x86_64")
    if emulator is None or platform.machine() != "x86_64":
        pytest.skip("qemu-x86_64 (Debian: qemu-user) on an x86-64 machine is needed")
    model, x, expected = product()
    onnx.save(model, str(tmp_path / "model.onnx"))
    np.savez(tmp_path / "data.npz", x=x, expected=expected)
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    command = [emulator, "-cpu", "Haswell", sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    assert (done.stdout.strip() == "0 wrong") is exact
