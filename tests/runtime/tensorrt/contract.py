"""What every device must do. Run by itself (`python -m tests.runtime.tensorrt.contract pycuda|cuda [engine]`) it
puts a real binding to the test on the libcuda.so.1 that the system finds, and prints a few figures: on a machine with
a GPU, of the GPU. `engine` needs tests/fakes/libcuda.c, whose device memory is the processor's.
"""

import ctypes
import os
import sys
import threading
import time

import numpy as np
import pytest

from edge_tts.errors import DeviceError, DeviceLostError, DeviceMemoryError


def check(device):
    """The whole contract, in two threads one after the other. Leaves nothing; closes the device."""
    assert type(device.stream) is int and device.stream
    failures = []

    def guarded():
        try:
            work(device)
        except BaseException as error:  # noqa: BLE001 - raised again below, where pytest sees it
            failures.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    work(device)
    device.close()
    device.close()
    with pytest.raises(DeviceLostError, match="given back"), device.active():
        pass


def work(device):
    with device.active():
        with device.active():
            free, total = device.memory()
        assert 0 < free <= total
        first, second = device.allocate(1024), device.allocate(1000)
        assert type(first) is int
        host, back = device.host(1024), device.host(1024)
        try:
            copies(device, first, second, host, back)
            if device.can_capture:
                recording(device, first, host, back)
            with pytest.raises(DeviceMemoryError, match="no memory left"):
                device.allocate(1 << 50)
        finally:
            host.free()
            back.free()
            device.free(first)
            device.free(second)


def copies(device, first, second, host, back):
    values = (np.arange(1024) % 251).astype(np.uint8)
    host.array[...] = values
    device.upload(first, host.array)
    device.clear(second, 1000)
    device.copy_rows(second + 16, 64, first, 32, 20, 10)
    device.download(back.array[:1000], second)
    device.synchronize()
    wanted = np.zeros(1000, np.uint8)
    for row in range(10):
        wanted[16 + 64 * row :][:20] = values[32 * row :][:20]
    np.testing.assert_array_equal(back.array[:1000], wanted)
    plain = np.arange(6, dtype=np.float32).reshape(2, 3)
    twice = np.zeros_like(plain)
    device.upload(first + 256, plain)
    device.download(twice, first + 256)
    device.upload(first, np.zeros((0, 4)))
    device.synchronize()
    np.testing.assert_array_equal(twice, plain)


def recording(device, address, host, back):
    def record():
        device.upload(address, host.array[:64])
        device.download(back.array[:64], address)

    host.array[...], back.array[...] = 1, 0
    graph = device.capture(record)
    device.synchronize()
    assert not back.array.any()
    for value in (7, 8):
        host.array[...] = value
        graph.launch()
        device.synchronize()
        assert (back.array[:64] == value).all()
    graph.free()

    def fail():
        record()
        raise ZeroDivisionError

    back.array[...] = 0
    with pytest.raises(ZeroDivisionError):
        device.capture(fail)
    device.synchronize()
    assert not back.array.any()
    record()  # the stream works on
    device.synchronize()
    assert (back.array[:64] == 8).all()


def check_engine(device):
    """Tiny graphs through the device. The stand-in for TensorRT works at once, so nothing is recorded."""
    from edge_tts.engines.onnx import OnnxEngine
    from edge_tts.engines.tensorrt.engine import TensorRTEngine
    from tests.fakes.tensorrt import FakeTensorRT
    from tests.runtime.tensorrt import tiny

    device.can_capture = False
    trt = FakeTensorRT("10.3")
    engine = TensorRTEngine(device, trt)
    graphs = {}
    for name in ("latents", "gpt_step"):
        g = tiny.engine_graph(name)
        plan = tiny.plan(g, tiny.profiles(name), trt)
        graphs[name] = engine.load(name, plan), OnnxEngine().load(name, g.model())
    integers = np.arange(6)[None]
    inputs = {"codes": integers, "phones": integers, "align": integers, "condition": np.ones((1, 7), np.float32)}
    got, wanted = (graph.run(inputs) for graph in graphs["latents"])
    np.testing.assert_array_equal(got["z"], wanted["z"])

    step, by_hand = graphs["gpt_step"]
    names = [name for name in step.inputs if name.startswith("past_")]
    shape = (1, tiny.H, 64, tiny.D)
    inputs = {n: np.zeros([1 if s is None else s for s in i.shape], i.dtype) for n, i in by_hand.inputs.items()}
    inputs |= {name: np.zeros(shape, np.float16) for name in names}
    outputs = {"logits": np.zeros((1, tiny.V), np.float32), "next_pointer": np.zeros(1, np.int64)}
    states = {name.replace("past", "present"): (name, inputs[name].copy()) for name in names}
    rest = {name: array for name, array in inputs.items() if name in step.inputs and name not in names}
    binding = step.bind(rest, outputs, states)
    for row in range(5):
        inputs["token"][...], inputs["position"][...], inputs["seqlens_k"][...] = 7 * row, row, row
        wanted = by_hand.run(inputs)
        binding.run()
        np.testing.assert_allclose(outputs["logits"], wanted["logits"], atol=1e-5)
        for name in names:
            inputs[name][:, :, row] = wanted[name.replace("past", "present")][:, :, 0]
    engine.close()


def measure(device):
    """Figures of this machine, for a person to read: page-locked upload, copy of rows, launch of a recorded graph."""
    size, count = 64 << 20, 200
    with device.active():
        address, host = device.allocate(size), device.host(size)
        small = host.array[:4096]

        def timed(work, repeat):
            work()
            device.synchronize()
            start = time.perf_counter()
            for _ in range(repeat):
                work()
            device.synchronize()
            return (time.perf_counter() - start) / repeat

        upload_s = timed(lambda: device.upload(address, host.array), 10)
        rows_s = timed(lambda: device.copy_rows(address + (1 << 20), 16384, address, 64, 64, 768), count)
        graph = device.capture(lambda: (device.upload(address, small), device.download(small, address)))
        launch_s = timed(graph.launch, count)
        graph.free()
        host.free()
        device.free(address)
    figures = [
        f"{device.name} {device.compute_capability} CUDA {device.cuda_version}",
        f"upload {size / upload_s / 1e9:.1f} GB/s",
        f"768 rows of 64 bytes {rows_s * 1e6:.1f} us",
        f"launch {launch_s * 1e6:.1f} us",
    ]
    sys.stdout.write("\n".join(figures) + "\n")


def main(name, *, engine=False):
    sys.setdlopenflags(os.RTLD_LAZY)  # pycuda wants functions that it never calls here
    if name == "pycuda":
        from edge_tts.engines.tensorrt.pycuda_device import PycudaDevice as RealDevice
    else:
        from edge_tts.engines.tensorrt.cuda_bindings_device import CudaBindingsDevice as RealDevice
    device = RealDevice()
    assert device.can_capture
    with pytest.raises(DeviceError):
        device.allocate(10)  # outside of active()
    measure(device)
    check(device)
    library = ctypes.CDLL("libcuda.so.1")
    if hasattr(library, "fake_left"):
        sys.stdout.write("all on the processor: these are no figures of a GPU\n")
        if engine:
            check_engine(RealDevice())
        left = (ctypes.c_long * 6)()
        library.fake_left(left)
        assert not any(left), list(left)


if __name__ == "__main__":
    main(sys.argv[1], engine=sys.argv[2:] == ["engine"])
