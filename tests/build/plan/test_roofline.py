"""Floors against the figures that were worked out for a GPT of 77 M parameters."""

import pytest

from build_engines.plan.boards import BOARDS
from build_engines.plan.cost import Cost, ProductKind
from build_engines.plan.roofline import run_ms


def cost(weights=0.0, cache=0.0, activations=0.0, **products):
    kinds = {ProductKind("MatMul", kind): number for kind, number in products.items()}
    return Cost(kinds, weights, 0.0, cache, 0.0, activations, weights, 0.0)


@pytest.mark.parametrize(
    ("board", "weights", "rows", "milliseconds"),
    [
        ("agx-orin-64", 152.4e6, 1024, 0.99),
        ("orin-nano-8", 152.4e6, 1024, 2.98),
        ("agx-orin-64", 76.3e6, 256, 0.43),
        ("orin-nano-8", 76.3e6, 256, 1.30),
    ],
)
def test_a_token(board, weights, rows, milliseconds):
    step = cost(weights=weights, cache=rows * 49_152.0, int8=76_000_000)
    floor, limit = run_ms(step, BOARDS[board])
    assert floor == pytest.approx(milliseconds, rel=0.01)
    assert limit == "memory bandwidth"


def test_operations_add_up_over_types():
    board = BOARDS["orin-nano-8"]
    both = cost(weights=1e6, int8=10**10, float16=10**10)
    assert run_ms(both, board) == (pytest.approx(2e10 / 20e9 + 2e10 / 10e9), "FP16 peak")
    ms, limit = run_ms(cost(int8=10**10, float16=10**9), board)
    assert (ms, limit) == (pytest.approx(1.0 + 0.2), "INT8 peak")
    assert run_ms(cost(float32=64 * 10**7), board) == (pytest.approx(1.0), "FP32 peak")  # 1.28 TFLOPS


def test_activations_through_memory():
    board = BOARDS["orin-nano-8"]
    heavy = cost(weights=34e6, activations=34e6, int8=10**9)
    assert run_ms(heavy, board)[0] == pytest.approx(0.5)
    assert run_ms(heavy, board, through_memory=True)[0] == pytest.approx(1.0)
