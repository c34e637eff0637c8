"""The constants against each other: a headline that slipped in as a dense peak would not agree with cores and clock."""

import pytest

from build_engines.plan.boards import BOARDS, boards_named
from edge_tts.errors import ParameterError


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_peaks_agree_with_cores_and_clock(board):
    """Orin's tensor core multiplies 512 pairs of INT8 per clock: what NVIDIA's sparse figure is twice of."""
    by_clock = board.tensor_cores * 512 * 2 * board.gpu_mhz / 1e6
    assert board.int8_dense_tops == pytest.approx(by_clock, rel=0.04)
    assert board.gpu_sparse_tops == pytest.approx(2 * board.int8_dense_tops, rel=0.02)
    assert board.headline_tops == board.gpu_sparse_tops + board.dla_sparse_tops
    assert board.cuda_cores == 32 * board.tensor_cores
    assert board.sources


def test_peaks_by_type():
    peaks = BOARDS["agx-orin-64"].peaks_tops
    assert peaks["float16"] == 42.5
    assert peaks["float32"] == pytest.approx(5.3, rel=0.01)  # NVIDIA's own figure


def test_names():
    assert [board.name for board in boards_named("orin-nx-16")] == ["orin-nx-16"]
    assert [board.name for board in boards_named("all")] == list(BOARDS)
    with pytest.raises(ParameterError, match=r"'orin_nano': did you mean orin-nano-\w+\? there are orin-nano-4, "):
        boards_named("orin_nano")
    with pytest.raises(ParameterError, match=r"'zzz': there are .*agx-orin-64 and all"):
        boards_named("zzz")
