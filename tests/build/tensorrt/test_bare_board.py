"""A board installs `edge-tts-jetson[jetson]`: neither torch nor onnx, nothing of the extra `build`."""

import subprocess
import sys

BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError(f"{name} is not installed on a board")
sys.meta_path.insert(0, Block())
"""
BLOCKED = {"torch", "onnx", "transformers", "soundfile", "soxr", "pyworld", "matplotlib", "tensorrt", "pycuda", "cuda"}


def run_bare(code, blocked):
    script = BLOCK.replace("{blocked}", repr(blocked)) + code
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)


def test_the_command_starts_without_torch_and_onnx(quantized):
    code = f"from build_engines.cli import main; sys.exit(main(['engine', {str(quantized)!r}]))"
    ended = run_bare(code, BLOCKED)
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("edgetts-build: there is no TensorRT for this Python")


def test_all_of_the_build_works_without_torch_and_onnx(quantized):
    """Imports every module, reads the golden vectors and certifies a graph against itself."""
    code = f"""
import importlib, pkgutil
import build_engines.tensorrt
from pathlib import Path
for module in pkgutil.iter_modules(build_engines.tensorrt.__path__):
    importlib.import_module("build_engines.tensorrt." + module.name)
from edge_tts.bundle import open_bundle
from edge_tts.engines.golden import compare, read
from edge_tts.engines.onnx import OnnxEngine
bundle = open_bundle(Path({str(quantized)!r}))
entry = bundle.manifest.tensorrt.graphs["gpt_step"]
golden = read(bundle.read("golden/tensorrt/gpt_step.npz"), entry, "it")
graph = OnnxEngine().load("gpt_step", bundle.graph(entry)[0])
verdict = compare(golden, graph.run)
print(verdict.passed, len(verdict.results), sorted(set(sys.modules) & {BLOCKED!r}))
"""
    ended = run_bare(code, BLOCKED)
    assert ended.stdout == "True 18 []\n", ended.stderr
