"""The Jetson Orin modules: memory, bandwidth and peak rates of their data sheets, each with where it stands.

NVIDIA's headline figures (275 TOPS, 67 TOPS ...) count 2:4-sparse weights and add the DLA. A network that isn't pruned
for sparsity and runs on the GPU alone has half of the GPU's share: that is what `int8_dense_tops` holds.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from edge_tts.errors import ParameterError

__all__ = ["ALL_BOARDS", "BOARDS", "Board", "boards_named"]

_NANO = "Jetson Orin Nano Series Modules Data Sheet, DS-11105-001"
_NX = "Jetson Orin NX Series Modules Data Sheet, DS-10712-001 v1.7"
_AGX = "Jetson AGX Orin Series Modules Data Sheet, DS-10662-001 v1.8"
_SUPER = "https://developer.nvidia.com/blog/nvidia-jetson-orin-nano-developer-kit-gets-a-super-boost/"
_SUPER_4 = "NVIDIA's figures for Super mode (JetPack 6.2): 34 sparse TOPS, 51 GB/s, 1020 MHz"
_HALF = "dense = sparse / 2"
ALL_BOARDS = "all"


@dataclass(frozen=True)
class Board:
    """One module in its fastest power mode.

    `memory_gb` is shared by CPU and GPU (10^9 bytes), `bandwidth_gb_s` its theoretical peak, `int8_dense_tops` the
    GPU's peak for INT8 products of dense matrices in 10^12 operations per second (a product and a sum are two);
    `headline_tops` is what the box says: sparse, GPU and DLA together. `sources` say where the figures stand.
    """

    name: str
    title: str
    power_mode: str
    memory_gb: int
    bandwidth_gb_s: float
    cuda_cores: int
    tensor_cores: int
    gpu_mhz: int
    int8_dense_tops: float
    gpu_sparse_tops: float
    dla_sparse_tops: float
    headline_tops: float
    sources: tuple[str, ...]

    @property
    def peaks_tops(self) -> dict[str, float]:
        """10^12 operations per second by the type of the product.

        FP16 is half of INT8: NVIDIA prints 20 and 10, 33 and 17 for the Orin Nano, and all Orins have the same tensor
        core. FP32 is that of the CUDA cores, two operations each per clock, without TF32.
        """
        fp32 = 2e-6 * self.cuda_cores * self.gpu_mhz
        return {"int8": self.int8_dense_tops, "float16": self.int8_dense_tops / 2, "float32": fp32}


BOARDS = {
    board.name: board
    for board in (
        Board(
            "orin-nano-4", "Jetson Orin Nano 4 GB", "10W",
            4, 34.0, 512, 16, 625, 10.0, 20.0, 0.0, 20.0, (f"{_NANO}: 20 sparse and 10 dense TOPS, 34 GB/s",),
        ),
        Board(
            "orin-nano-4-super", "Jetson Orin Nano 4 GB, Super mode", "MAXN_SUPER",
            4, 51.0, 512, 16, 1020, 17.0, 34.0, 0.0, 34.0, (f"{_SUPER_4}; {_HALF}",),
        ),
        Board(
            "orin-nano-8", "Jetson Orin Nano 8 GB", "15W",
            8, 68.0, 1024, 32, 625, 20.0, 40.0, 0.0, 40.0, (f"{_NANO}: 40 sparse and 20 dense TOPS, 68 GB/s",),
        ),
        Board(
            "orin-nano-super", "Jetson Orin Nano 8 GB, Super mode", "MAXN_SUPER",
            8, 102.0, 1024, 32, 1020, 33.0, 67.0, 0.0, 67.0, (f"{_SUPER}: 67 sparse, 33 dense TOPS, 102 GB/s",),
        ),
        Board(
            "orin-nx-8", "Jetson Orin NX 8 GB", "MAXN",
            8, 102.4, 1024, 32, 765, 25.0, 50.0, 20.0, 70.0,
            (f"{_NX}: 70 sparse TOPS of which the DLA has 20, 128-bit LPDDR5 at 3200 MHz; {_HALF}",),
        ),
        Board(
            "orin-nx-16", "Jetson Orin NX 16 GB", "MAXN",
            16, 102.4, 1024, 32, 918, 30.0, 60.0, 40.0, 100.0,
            (f"{_NX}: 100 sparse TOPS of which the DLAs have 40, 128-bit LPDDR5 at 3200 MHz; {_HALF}",),
        ),
        Board(
            "agx-orin-32", "Jetson AGX Orin 32 GB", "MAXN",
            32, 204.8, 1792, 56, 939, 54.0, 108.0, 92.0, 200.0,
            (f"{_AGX}: the GPU has 108 of 200 sparse TOPS, 204.8 GB/s; {_HALF}",),
        ),
        Board(
            "agx-orin-64", "Jetson AGX Orin 64 GB", "MAXN",
            64, 204.8, 2048, 64, 1300, 85.0, 170.0, 105.0, 275.0,
            (
                f"{_AGX}: the GPU has 170 of 275 sparse TOPS, 204.8 GB/s; {_HALF}",
                "https://github.com/NVIDIA/Deep-Learning-Accelerator-SW: the split between GPU and DLA",
            ),
        ),
    )
}  # fmt: skip


def boards_named(name: str) -> list[Board]:
    """The board of that name, or every one for "all". Raises ParameterError, naming the nearest and all."""
    if name == ALL_BOARDS:
        return list(BOARDS.values())
    if name in BOARDS:
        return [BOARDS[name]]
    near = difflib.get_close_matches(name.lower(), BOARDS, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ParameterError(f"no board is called {name[:60]!r}: {hint}there are {', '.join(BOARDS)} and {ALL_BOARDS}")
