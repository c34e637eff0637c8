"""What the runtime may import: the walls of the house."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import edge_tts

ROOM = Path(edge_tts.__file__).parent
MODULES = sorted(path for path in ROOM.rglob("*.py"))
# Not the network, not a training library, not another room, and nothing that executes what it reads.
FORBIDDEN = {
    *("torch", "onnx", "paho", "amqtt", "device", "build_engines"),
    *("socket", "ssl", "http", "urllib", "requests", "ftplib", "asyncio", "pickle", "marshal", "shelve"),
}
# The only modules that may name an inference engine or a sound device.
OWNERS = {
    "onnxruntime": {"engines/onnx.py"},
    "tensorrt": {"engines/tensorrt/engine.py"},
    "pycuda": {"engines/tensorrt/pycuda_device.py"},
    "cuda": {"engines/tensorrt/cuda_bindings_device.py"},
    "sounddevice": {"playback.py"},
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOM).as_posix())
def test_imports_stay_in_the_room(path):
    names = set(imported(path))
    assert not names & FORBIDDEN
    for library, owners in OWNERS.items():
        assert library not in names or path.relative_to(ROOM).as_posix() in owners


@pytest.mark.parametrize("room", ["bundle", "engines", "gpt", "sovits"])
def test_inner_rooms_know_nothing_of_text_or_voices(room):
    for path in (ROOM / room).glob("*.py"):
        source = path.read_text(encoding="utf-8")
        for name in ("edge_tts.text", "edge_tts.voice", "edge_tts.cli", "edge_tts.commands"):
            assert f"from {name}" not in source and f"import {name}" not in source


def test_importing_the_package_loads_no_engine():
    code = (
        "import sys, edge_tts.identity, edge_tts.errors; print(*(n in sys.modules for n in ('numpy', 'onnxruntime')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOM.parent, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_voice_on_onnx_runtime_loads_no_gpu_library(tiny_bundle):
    code = (
        "import sys, edge_tts; edge_tts.Voice.load(sys.argv[1]); "
        "print(*(n in sys.modules for n in ('tensorrt', 'pycuda', 'cuda', 'edge_tts.engines.tensorrt')))"
    )
    command = [sys.executable, "-c", code, str(tiny_bundle)]
    done = subprocess.run(command, cwd=ROOM.parent, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * 4
