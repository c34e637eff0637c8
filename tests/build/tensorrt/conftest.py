"""A quantized voice and a board to build its engines on: TensorRT and the GPU are the strict fakes of tests/fakes."""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import onnx
import pytest

import edge_tts.engines.tensorrt.device
from build_engines.quantize.widened import widened_run
from build_engines.tensorrt.record import record
from build_engines.tensorrt.rules import input_rules
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from tests.build.tensorrt.qdq import ADAPTERS, ENTRY, RANK, STEP_ENTRY, linear, step
from tests.fakes.cuda import FakeDevice
from tests.fakes.tensorrt import FakeTensorRT
from tests.tiny_bundle import make_bundle, read_manifest, write_manifest

GRAPHS = {"gpt_step": (STEP_ENTRY, step), "vocoder": (ENTRY, linear)}


@pytest.fixture(scope="session")
def quantized(tmp_path_factory):
    """A voice with two graphs for TensorRT, one of them with external data; not to be changed."""
    folder = make_bundle(tmp_path_factory.mktemp("quantized") / "tiny")
    rules = open_bundle(folder).manifest
    (folder / "tensorrt").mkdir()
    (folder / "golden/tensorrt").mkdir()
    entries = {}
    for name, (entry, make) in GRAPHS.items():
        onnx.save_model(
            make(),
            folder / entry.file,
            save_as_external_data=name == "vocoder",
            location="vocoder.data",
            size_threshold=0,
        )
        run = OnnxEngine().load(name, folder / entry.file).run
        raw = record(entry, ADAPTERS, run, input_rules(rules, entry), other=widened_run(folder / entry.file))
        (folder / f"golden/tensorrt/{name}.npz").write_bytes(raw)
        entries[name] = {
            "file": entry.file,
            "inputs": {n: {"dtype": spec.dtype, "shape": list(spec.shape)} for n, spec in entry.inputs.items()},
            "outputs": {n: {"dtype": spec.dtype, "shape": list(spec.shape)} for n, spec in entry.outputs.items()},
            "profiles": [{size: list(bounds) for size, bounds in profile.items()} for profile in entry.profiles],
        }
    write_manifest(folder, read_manifest(folder) | {"tensorrt": {"max_rank": RANK, "graphs": entries}})
    return folder


@pytest.fixture
def quantized_copy(quantized, tmp_path):
    """A copy, to be damaged."""
    return Path(shutil.copytree(quantized, tmp_path / "copy"))


@dataclass
class Board:
    """`trt` is the installed TensorRT, `cache` the folder of the cache, `devices` all that were opened."""

    trt: FakeTensorRT
    cache: Path
    devices: list[FakeDevice] = field(default_factory=list)
    prepare: object = None

    def open_device(self):
        device = FakeDevice()
        self.devices.append(device)
        self.trt.cuda = device
        if self.prepare is not None:
            self.prepare(device)
        return device

    def engines(self):
        """The folders of engines that were stored."""
        return sorted(path for path in (self.cache / "engines").glob("*") if path.is_dir())


@pytest.fixture
def board(tmp_path, monkeypatch):
    """A board with TensorRT 10.3 and an empty cache."""
    made = Board(FakeTensorRT("10.3"), tmp_path / "cache")
    monkeypatch.setitem(sys.modules, "tensorrt", made.trt)
    monkeypatch.setattr(edge_tts.engines.tensorrt.device, "open_device", made.open_device)
    monkeypatch.setenv("EDGETTS_CACHE", str(made.cache))
    return made
