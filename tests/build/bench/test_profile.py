"""Times by operator, from events as ONNX Runtime writes them and from a real run."""

import pytest

from build_engines.bench.decode import Decoding
from build_engines.bench.profile import by_operator, profile_graph, weights_mb


def event(operator, node, microseconds, category="Node"):
    return {"cat": category, "name": f"{node}_kernel_time", "dur": microseconds, "args": {"op_name": operator}}


def test_the_median_of_each_node_counts():
    events = [
        event("MatMul", "a", 900), event("MatMul", "a", 100), event("MatMul", "a", 100), event("MatMul", "b", 200),
        event("Add", "c", 100), event("Add", "c", 5, "Session"), {"cat": "Node", "name": "a_fence_before", "dur": 7},
    ]  # fmt: skip
    matmul, add = by_operator(events)
    assert (matmul.operator, matmul.nodes, matmul.ms, matmul.share) == ("MatMul", 2, 0.3, 0.75)
    assert (add.operator, add.nodes, add.ms) == ("Add", 1, 0.1)


def test_a_step_is_profiled_on_bound_buffers(speech):
    generation = Decoding(speech).start(40, 8)
    generation.advance()
    generation.advance()
    step = speech.bundle.path / speech.manifest.graphs["gpt_step"].file
    operators = profile_graph(step, speech.watch.calls["decode"], 2)
    assert {"GroupQueryAttention"} < {item.operator for item in operators}
    assert sum(item.share for item in operators) == pytest.approx(1)


def test_weights_of_products_only(speech):
    """No tables, no adapters, no vectors: two layers of 32 and the logits."""
    found = weights_mb(speech.bundle.path / speech.manifest.graphs["gpt_step"].file)
    matrices = 2 * (32 * 96 + 32 * 32 + 2 * 32 * 128) + 32 * 1025
    assert found == {"int8": 0.0, "float32": pytest.approx(4 * matrices / 1e6)}
