"""The devices: one contract for the fake, for pycuda and for cuda-bindings; real bindings where they are installed."""

import ast
import gc
import importlib
import importlib.util
import json
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import edge_tts.engines.tensorrt
from edge_tts.engines.tensorrt.device import open_device
from edge_tts.engines.tensorrt.driver_capture import DriverCapture, open_capture
from edge_tts.errors import DeviceError, DeviceLostError, DeviceMemoryError
from tests.fakes.cuda import FakeDevice
from tests.fakes.cuda_bindings import cuda_bindings_driver
from tests.fakes.driver import FakeDriver
from tests.fakes.pycuda import pycuda_driver
from tests.runtime.tensorrt import contract

SOURCE = Path(edge_tts.engines.tensorrt.__file__).parent
FAKES = Path(contract.__file__).parents[2] / "fakes"
NAMES = json.loads((FAKES / "cuda_names.json").read_text())
DEVICES = {"pycuda": "pycuda_device", "cuda": "cuda_bindings_device"}


def install(name, driver, monkeypatch):
    """Puts a stand-in in place of pycuda or cuda-bindings, and hides the other."""
    gone = {"pycuda": ("cuda", "cuda.bindings"), "cuda": ("pycuda", "pycuda.driver")}[name]
    for module in gone:
        monkeypatch.setitem(sys.modules, module, None)
    if name == "pycuda":
        made = pycuda_driver(driver)
        parents = ("pycuda",)
    else:
        made = cuda_bindings_driver(driver)
        parents = ("cuda", "cuda.bindings")
    for parent in parents:
        monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))
    monkeypatch.setitem(sys.modules, f"{parents[-1]}.driver", made)
    sys.modules[parents[-1]].driver = made
    for module in DEVICES.values():
        monkeypatch.delitem(sys.modules, f"edge_tts.engines.tensorrt.{module}", raising=False)
    monkeypatch.setattr(
        "edge_tts.engines.tensorrt.driver_capture.open_capture", lambda: DriverCapture(driver.library())
    )
    return made


@pytest.fixture(params=DEVICES)
def opened(request, monkeypatch):
    """(device, its driver)"""
    driver = FakeDriver()
    install(request.param, driver, monkeypatch)
    yield open_device(), driver
    for module in DEVICES.values():  # they hold the stand-ins
        sys.modules.pop(f"edge_tts.engines.tensorrt.{module}", None)


def test_the_fake_keeps_the_contract():
    device = FakeDevice()
    contract.check(device)
    assert device.held == 0


def test_a_binding_keeps_the_contract(opened):
    device, driver = opened
    assert device.can_capture
    assert device.name == "Orin" and device.compute_capability == (8, 7) and device.cuda_version == "12.6"
    contract.check(device)
    assert driver.held == 0 and not driver.contexts


@pytest.mark.parametrize(
    ("code", "kind"), [(2, DeviceMemoryError), (1, DeviceError), (700, DeviceLostError), (719, DeviceLostError)]
)
@pytest.mark.parametrize(
    "call", ["allocate", "host", "upload", "download", "clear", "copy_rows", "memory", "synchronize"]
)
def test_errors_are_typed(opened, call, code, kind):
    device, driver = opened
    array = np.zeros(64, np.uint8)
    with device.active():
        address = device.allocate(64)
        arguments = {
            "allocate": (8,),
            "host": (8,),
            "upload": (address, array),
            "download": (array, address),
            "clear": (address, 64),
            "copy_rows": (address, 8, address + 32, 8, 8, 2),
        }
        driver.code = code
        with pytest.raises(DeviceError) as caught:
            getattr(device, call)(*arguments.get(call, ()))
        assert type(caught.value) is kind and "\n" not in str(caught.value)
        del caught  # its traceback holds pycuda's stream
        device.free(address)
    device.close()
    gc.collect()
    assert driver.held == 0


@pytest.mark.parametrize("at", range(3))
def test_recording_fails(opened, at):
    """At its begin, its end, or when it is instantiated: nothing stays, and the stream works on."""
    device, driver = opened
    real, calls = driver.enter, []

    def enter(**context):
        calls.append(1)
        if len(calls) == at + 1:
            driver.code = 719
        real(**context)

    with device.active():
        driver.enter = enter
        with pytest.raises(DeviceLostError):
            device.capture(lambda: None)
        driver.enter = real
        driver.recording = None
        device.synchronize()
    device.close()
    assert driver.held == 0


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("at", range(3))
def test_no_gpu(name, at, monkeypatch):
    """cuInit, the context or the stream fails: one typed error, nothing is held."""
    driver = FakeDriver()
    real, calls = driver.enter, []

    def enter(**context):
        calls.append(1)
        if len(calls) == at + 1:
            driver.code = 100
        real(**context)

    driver.enter = enter
    install(name, driver, monkeypatch)
    with pytest.raises(DeviceError):
        open_device()
    assert driver.held == 0


def test_leaving_a_lost_context_does_not_hide_why_it_was_lost(monkeypatch):
    driver = FakeDriver()
    module = install("pycuda", driver, monkeypatch)
    device = open_device()
    pop = module.Context.pop

    def refuse():
        pop()
        raise module.LogicError("cuCtxPopCurrent failed: invalid device context")

    monkeypatch.setattr(module.Context, "pop", staticmethod(refuse))
    with pytest.raises(DeviceLostError, match="illegal memory access"), device.active():
        driver.code = 700
        device.synchronize()


def test_pycuda_without_a_driver_that_records(monkeypatch):
    driver = FakeDriver()
    install("pycuda", driver, monkeypatch)
    monkeypatch.setattr("edge_tts.engines.tensorrt.driver_capture.open_capture", lambda: None)
    device = open_device()
    assert not device.can_capture
    with device.active(), pytest.raises(DeviceError, match="can't be recorded"):
        device.capture(lambda: None)
    contract.check(device)


def test_no_library_no_recording():
    assert open_capture("libnowhere.so.1") is None
    assert open_capture("libc.so.6") is None  # a library, but not the driver's


# --- the names are those of the real modules


def attributes(module, alias):
    tree = ast.parse((SOURCE / f"{module}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == alias:
            yield node.attr


@pytest.mark.parametrize(
    ("module", "alias", "listed"),
    [("pycuda_device", "drv", "pycuda 2026.1"), ("cuda_bindings_device", "cu", "cuda-bindings 13.5.0")],
)
def test_every_name_exists(module, alias, listed):
    used = set(attributes(module, alias))
    assert len(used) > 10 and used <= set(NAMES[listed]["driver"])


@pytest.mark.parametrize(
    ("module", "variable", "listed", "kind"),
    [
        ("pycuda_device", "copy", "pycuda 2026.1", "Memcpy2D"),
        ("pycuda_device", "gpu", "pycuda 2026.1", "Device"),
        ("cuda_bindings_device", "copy", "cuda-bindings 13.5.0", "CUDA_MEMCPY2D"),
        ("cuda_bindings_device", "attributes", "cuda-bindings 13.5.0", "CUdevice_attribute"),
    ],
)
def test_every_member_exists(module, variable, listed, kind):
    used = set(attributes(module, variable))
    assert used and used <= set(NAMES[listed][kind])


def test_the_stand_ins_have_no_other_names():
    for made, listed in ((pycuda_driver, "pycuda 2026.1"), (cuda_bindings_driver, "cuda-bindings 13.5.0")):
        names = {name for name in vars(made(FakeDriver())) if not name.startswith("__")}
        assert names <= set(NAMES[listed]["driver"])


# --- the real bindings


@pytest.mark.parametrize(("name", "module"), [("pycuda", "pycuda"), ("cuda", "cuda.bindings")])
def test_the_real_binding_keeps_the_contract(name, module, tmp_path):
    compiler = shutil.which("cc")
    try:
        installed = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        installed = False
    if compiler is None or not installed:
        pytest.skip(f"{module} or a C compiler is not installed")
    library = tmp_path / "libcuda.so.1"
    build = [
        compiler,
        "-shared",
        "-fPIC",
        "-w",
        f"-Wl,-soname,{library.name}",
        "-o",
        library,
        FAKES / "libcuda.c",
        "-ldl",
    ]
    subprocess.run(build, check=True)
    environment = {"LD_LIBRARY_PATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "tests.runtime.tensorrt.contract", name, "engine"]
    done = subprocess.run(command, cwd=FAKES.parents[1], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Orin (8, 7) CUDA 12.6\n")
