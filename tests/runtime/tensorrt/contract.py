"""What every device must do. Run by itself (`python -m tests.runtime.tensorrt.contract pycuda|cuda`) it puts a real
binding to the test, on whatever libcuda.so.1 the system finds; tests/fakes/libcuda.c will do.
"""

import ctypes
import os
import sys
import threading

import numpy as np
import pytest

from edge_tts.errors import DeviceError, DeviceLostError, DeviceMemoryError


def check(device):
    """The whole contract, in two threads one after the other. Leaves nothing; closes the device."""
    assert device.name == "Orin" and device.compute_capability == (8, 7) and device.cuda_version == "12.6"
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


def main(name):
    sys.setdlopenflags(os.RTLD_LAZY)  # pycuda wants functions that it never calls here
    if name == "pycuda":
        from edge_tts.engines.tensorrt.pycuda_device import PycudaDevice as RealDevice
    else:
        from edge_tts.engines.tensorrt.cuda_bindings_device import CudaBindingsDevice as RealDevice
    device = RealDevice()
    assert device.can_capture
    with pytest.raises(DeviceError):
        device.allocate(10)  # outside of active()
    check(device)
    left = (ctypes.c_long * 6)()
    ctypes.CDLL("libcuda.so.1").fake_left(left)
    assert not any(left), list(left)


if __name__ == "__main__":
    main(sys.argv[1])
