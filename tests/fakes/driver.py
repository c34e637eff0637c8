"""A CUDA driver in Python: what the stand-ins for pycuda and cuda-bindings do their work with.

`driver.code` makes the next call return that CUresult.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "CAPTURING",
    "INVALID_VALUE",
    "NO_CONTEXT",
    "OUT_OF_MEMORY",
    "WORDS",
    "Failure",
    "FakeDriver",
    "copy_all",
    "exactly",
    "rows_of",
]

SUCCESS, INVALID_VALUE, OUT_OF_MEMORY, NO_CONTEXT, CAPTURING = 0, 1, 2, 201, 900
WORDS = {
    INVALID_VALUE: "invalid argument",
    OUT_OF_MEMORY: "out of memory",
    NO_CONTEXT: "invalid device context",
    700: "an illegal memory access was encountered",
    719: "unspecified launch failure",
    CAPTURING: "operation not permitted when stream is capturing",
}


class Failure(Exception):  # noqa: N818
    """A call that returned something else than CUDA_SUCCESS."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class FakeDriver:
    """Memory by address, one stream whose work is done at once, recorded graphs, a stack of contexts."""

    def __init__(self) -> None:
        self.code = SUCCESS
        self.blocks: dict[int, np.ndarray] = {}
        self.hosts: dict[int, np.ndarray] = {}
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.executables: dict[int, list[Callable[[], None]]] = {}
        self.recording: list[Callable[[], None]] | None = None
        self.contexts: list[int] = []
        self.retained = self.streams = 0
        self._names = iter(range(1000, 1 << 30))

    @property
    def held(self) -> int:
        """All that was taken and not given back."""
        taken = (self.blocks, self.hosts, self.graphs, self.executables)
        return sum(map(len, taken)) + self.retained + self.streams

    def enter(self, *, context: bool = True) -> None:
        """Called first by every function. Raises Failure."""
        code, self.code = self.code, SUCCESS
        if code:
            raise Failure(code)
        if context and not self.contexts:
            raise Failure(NO_CONTEXT)

    def name(self) -> int:
        return next(self._names)

    def allocate(self, size: int) -> int:
        self.enter()
        if self.recording is not None or size > 1 << 40:
            raise Failure(CAPTURING if self.recording is not None else OUT_OF_MEMORY)
        block = np.full(size, 0xA5, np.uint8)
        self.blocks[block.ctypes.data] = block
        return int(block.ctypes.data)

    def free(self, address: int) -> None:
        self.enter()
        if self.blocks.pop(address, None) is None:
            raise Failure(INVALID_VALUE)

    def view(self, address: int, size: int) -> np.ndarray:
        for base, block in self.blocks.items():
            if base <= address and address + size <= base + len(block):
                return block[address - base : address - base + size]
        raise Failure(700)

    def queue(self, work: Callable[[], None]) -> None:
        self.enter()
        if self.recording is None:
            work()
        else:
            self.recording.append(work)

    def synchronize(self) -> None:
        self.enter()
        if self.recording is not None:
            raise Failure(CAPTURING)

    def begin(self) -> None:
        self.enter()
        self.recording = []

    def end(self) -> int:
        self.enter()
        recorded, self.recording = self.recording, None
        if recorded is None:
            raise Failure(CAPTURING)
        name = self.name()
        self.graphs[name] = recorded
        return name

    def instantiate(self, graph: int) -> int:
        self.enter()
        name = self.name()
        self.executables[name] = self.graphs[graph]
        return name

    def launch(self, executable: int) -> None:
        self.enter()
        for work in self.executables[executable]:
            work()

    def library(self) -> types.SimpleNamespace:
        """libcuda as ctypes would give it, as far as graphs go."""

        def made(work: Callable[..., None]) -> Any:
            def function(*arguments: Any) -> int:
                try:
                    work(*arguments)
                except Failure as failure:
                    return failure.code
                return SUCCESS

            return function

        def end(stream: int, graph: Any) -> None:
            graph._obj.value = self.end()

        def instantiate(executable: Any, graph: Any, flags: int) -> None:
            assert flags == 0
            executable._obj.value = self.instantiate(graph.value)

        def begin(stream: int, mode: int) -> None:
            assert stream and mode == 1
            self.begin()

        return types.SimpleNamespace(
            cuStreamBeginCapture_v2=made(begin),
            cuStreamEndCapture=made(end),
            cuGraphInstantiateWithFlags=made(instantiate),
            cuGraphLaunch=made(lambda executable, stream: self.launch(executable.value)),
            cuGraphExecDestroy=made(lambda executable: self.executables.pop(executable.value)),
            cuGraphDestroy=made(lambda graph: self.graphs.pop(graph.value)),
        )


def rows_of(driver: FakeDriver, address: int, pitch: int, width: int, count: int) -> list[np.ndarray]:
    if width > pitch:
        raise Failure(INVALID_VALUE)
    return [driver.view(address + i * pitch, width) for i in range(count)]


def copy_all(targets: list[np.ndarray], sources: list[np.ndarray]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target[...] = source


def exactly(value: Any, kind: type) -> Any:
    """Boost.Python and Cython convert few types; ours gets the very one or fails."""
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
