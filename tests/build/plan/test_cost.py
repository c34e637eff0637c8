"""Products and bytes against figures that were worked out by hand."""

import pytest

from build_engines.errors import BuildError
from build_engines.plan.cost import ProductKind
from build_engines.plan.precision import Precision
from tests.build.plan.graphs import FLOAT, HALF, INT8, INT32, INT64, UINT8, Sketch, gpt_step, hifigan


def products(sketch, **arguments):
    return sketch.cost(**arguments).products


def test_conv():
    g = Sketch()
    g.op("Conv", [g.input("x", FLOAT, 1, 6, 10), g.weight(FLOAT, 4, 6, 3)], pads=[1, 1])
    assert products(g) == {ProductKind("Conv", "float32"): 4 * 10 * 6 * 3}


def test_a_strided_conv_of_two_dimensions():
    g = Sketch()
    g.op("Conv", [g.input("x", HALF, 1, 3, 8, 8), g.weight(HALF, 5, 3, 2, 2)], strides=[2, 2])
    assert products(g) == {ProductKind("Conv", "float16"): 5 * 4 * 4 * 3 * 2 * 2}


def test_a_grouped_conv_reads_only_its_group():
    g = Sketch()
    g.op("Conv", [g.input("x", FLOAT, 1, 6, 10), g.weight(FLOAT, 6, 1, 3)], pads=[1, 1], group=6)
    assert products(g) == {ProductKind("Conv", "float32"): 6 * 10 * 1 * 3}


def test_conv_transpose_spreads_every_input():
    g = Sketch()
    g.op("ConvTranspose", [g.input("x", FLOAT, 1, 6, 10), g.weight(FLOAT, 6, 4, 16)], strides=[8], pads=[4, 4])
    assert products(g) == {ProductKind("ConvTranspose", "float32"): 6 * 10 * 4 * 16}
    assert g.shapes()["ConvTranspose_0"].shape == (1, 4, 80)


def test_matmul():
    g = Sketch()
    g.op("MatMul", [g.input("x", FLOAT, 1, 7, 5), g.weight(FLOAT, 5, 3)])
    g.op("MatMul", [g.input("a", HALF, 2, 4, 6), g.input("b", HALF, 2, 6, 9)])
    expected = {ProductKind("MatMul", "float32"): 7 * 5 * 3, ProductKind("MatMul", "float16"): 2 * 4 * 6 * 9}
    assert products(g) == expected


@pytest.mark.parametrize(("shape", "transposed"), [((2, 5), 0), ((5, 2), 1)])
def test_gemm(shape, transposed):
    g = Sketch()
    g.op("Gemm", [g.input("x", FLOAT, *shape), g.weight(FLOAT, 5, 3), g.weight(FLOAT, 3)], transA=transposed)
    assert products(g) == {ProductKind("Gemm", "float32"): 2 * 5 * 3}


def test_matmul_integer():
    g = Sketch()
    x = g.op("DynamicQuantizeLinear", [g.input("x", FLOAT, 1, 7, 5)], "q", "scale", "zero")
    g.outputs = [g.op("MatMulInteger", [x, g.weight(INT8, 5, 3), "zero"], "y")]
    cost = g.cost()
    assert cost.products == {ProductKind("MatMulInteger", "int8"): 7 * 5 * 3}
    assert cost.weights == 15
    assert cost.activations == 35 + 1 + 4 * 21  # bytes of q, its zero point, and y as int32


@pytest.mark.parametrize(("level", "kind"), [(4, "int8"), (0, "float32")])
def test_matmul_nbits(level, kind):
    g = Sketch()
    inputs = [g.input("x", FLOAT, 1, 7, 256), g.weight(UINT8, 3, 2, 128), g.weight(FLOAT, 6)]
    g.op("MatMulNBits", inputs, domain="com.microsoft", K=256, N=3, bits=8, block_size=128, accuracy_level=level)
    cost = g.cost()
    assert cost.products == {ProductKind("MatMulNBits", kind): 7 * 256 * 3}
    assert cost.weights == 3 * 256 + 6 * 4


def test_attention_over_a_shared_buffer():
    g = Sketch()
    new = [g.input(name, FLOAT, 1, 1, 8) for name in "qkv"]
    past = [g.input(f"past_{name}_0", FLOAT, 1, 2, 64, 4) for name in ("key", "value")]
    lengths = [g.input("seqlens_k", INT32, 1), g.input("total_length", INT32, 1)]
    g.outputs = ["present_key_0", "present_value_0"]
    names = ("attended", *g.outputs)
    g.op("GroupQueryAttention", [*new, *past, *lengths], *names, domain="com.microsoft", num_heads=2, kv_num_heads=2)
    cost = g.cost(context=10)
    assert cost.products == {ProductKind("GroupQueryAttention", "float32"): 2 * 2 * 10 * 4}
    assert cost.cache == 2 * (10 + 1) * 2 * 4 * 4  # ten rows are read and one is written, keys and values
    assert g.cost(context=10, precision=Precision.INT8).cache == cost.cache / 2


def test_attention_written_out_reads_the_whole_buffer():
    """As in graphs for TensorRT: masked, so all rows are read; only the new row comes out."""
    g = Sketch()
    past = g.input("past_key_0", HALF, 1, 2, 64, 4)
    keys = g.op("Concat", [past, g.input("k", HALF, 1, 2, 1, 4)], axis=2)
    g.op("MatMul", [g.input("q", HALF, 1, 2, 1, 4), g.op("Transpose", [keys], perm=[0, 1, 3, 2])], "scores")
    g.op("Identity", ["k"], "present_key_0")
    g.outputs = ["present_key_0", "scores"]
    cost = g.cost(context=10)
    assert cost.products == {ProductKind("MatMul", "float16"): 2 * 65 * 4}
    assert cost.cache == 2 * 2 * 4 * (64 + 1)
    assert cost.activations == 2 * (2 * 4) + 2 * (2 * 65)  # q and the scores: what is cached counts once


def test_quantized_and_dequantized():
    """Both factors INT8: an INT8 product. Only the weight: it is stored small, and multiplied as it comes out."""
    g = Sketch()
    x, scale = g.input("x", HALF, 1, 7, 5), g.number(0.1, HALF)
    weight = g.op("DequantizeLinear", [g.weight(INT8, 5, 3), g.weight(HALF, 3)], axis=1)
    small = g.op("QuantizeLinear", [x, scale, g.number(0, INT8)])
    g.op("MatMul", [g.op("DequantizeLinear", [small, scale]), weight])
    g.op("MatMul", [x, weight])
    cost = g.cost()
    assert cost.products == {ProductKind("MatMul", "int8"): 105, ProductKind("MatMul", "float16"): 105}
    assert cost.weights == 15 + 3 * 2 + 2 + 1  # once, although it is used twice; scales and the zero point
    assert cost.activations == (35 + 42) + (70 + 42)  # INT8 and FP16 inputs, FP16 outputs


def test_adapters_at_their_padded_rank():
    g = Sketch()
    x = g.input("x", HALF, 1, 1, 8)
    low = g.op("MatMul", [x, g.input("lora_A.linear", HALF, 8, 4)])
    g.op("MatMul", [low, g.input("lora_B.linear", HALF, 4, 6)])
    cost = g.cost()
    assert cost.products == {ProductKind("MatMul", "float16"): 8 * 4 + 4 * 6}
    assert cost.adapters == 2 * (8 * 4 + 4 * 6)
    assert cost.external == 2 * 8
    assert cost.activations == 2 * (8 + 4) + 2 * (4 + 6)
    assert cost.peak == 2 * (8 + 4)  # x and what it becomes; adapters lie in slots of their own


def test_of_a_table_only_the_rows_are_read():
    g = Sketch()
    g.op("Gather", [g.weight(FLOAT, 732, 16), g.input("phones", INT64, 1, 5)], "rows")
    cost = g.cost()
    assert cost.weights == 5 * 16 * 4
    assert cost.stored == 732 * 16 * 4


def test_as_if_it_were_quantized():
    g = Sketch()
    g.op("MatMul", [g.input("x", FLOAT, 1, 7, 5), g.weight(FLOAT, 5, 3)], "y")
    g.op("Add", ["y", g.weight(FLOAT, 3)], "biased")
    g.op("MatMul", ["biased", g.input("z", FLOAT, 1, 3, 2)])
    cost = g.cost(precision=Precision.INT8)
    assert cost.products == {ProductKind("MatMul", "int8"): 105, ProductKind("MatMul", "float16"): 7 * 3 * 2}
    assert cost.stored == 15 + 3 * 2
    assert g.cost(precision=Precision.FLOAT16).stored == 2 * (15 + 3)
    assert g.cost().stored == 4 * (15 + 3)


def test_the_most_that_is_alive_at_once():
    """x, then two branches of which one is a view, then their sum: x [100] and two results live together."""
    g = Sketch()
    x = g.input("x", FLOAT, 1, 100)
    first = g.op("Relu", [x])
    view = g.op("Reshape", [first, g.number([1, 100])])
    second = g.op("Tanh", [x])
    g.outputs = [g.op("Add", [view, second], "y")]
    assert g.cost().peak == 4 * 300


@pytest.mark.parametrize("kind", ["Einsum", "LSTM"])
def test_what_multiplies_and_is_not_counted_is_refused(kind):
    g = Sketch()
    if kind == "Einsum":
        g.op(kind, [g.input("x", FLOAT, 2, 3), g.input("y", FLOAT, 3, 4)], "z", equation="ij,jk->ik")
    else:
        g.op(kind, [g.input("x", FLOAT, 2, 1, 3), g.weight(FLOAT, 1, 16, 3), g.weight(FLOAT, 1, 16, 4)], hidden_size=4)
    with pytest.raises(BuildError, match=kind):
        g.cost()


def test_a_full_size_step():
    """GPT-SoVITS's GPT as PyTorch's FLOP counter and its checkpoint see it: 0.152 GFLOP and 304.7 MB per token; the
    floors of 77 M parameters at 1024 rows in half precision: 203 MB."""
    cost = gpt_step(context=1, buffer=1024)
    assert cost.operations["float32"] == pytest.approx(0.152e9, rel=0.01)
    assert cost.weights == pytest.approx(304.7e6, rel=0.005)
    linear = 24 * (512 * 1536 + 512 * 512 + 2 * 512 * 2048) + 512 * 1025
    assert cost.operations["float32"] == 2 * (linear + 24 * 2 * 512)
    at_1024 = gpt_step(context=1024, buffer=1024)
    assert at_1024.cache == (1024 + 1) * 98_304  # bytes of one position, float32


@pytest.mark.parametrize(("channels", "first", "gflop", "parameters"), [(512, 16, 40.7, 14.4), (768, 20, 91.5, 33.4)])
def test_a_full_size_vocoder(channels, first, gflop, parameters):
    """v2's and v2ProPlus's, per second of 50 frames; parameters without biases and the speaker's part."""
    cost = hifigan(50, channels, first)
    assert cost.operations["float32"] == pytest.approx(gflop * 1e9, rel=0.01)
    assert cost.stored == pytest.approx(4e6 * parameters, rel=0.02)
    assert cost.operations["float32"] == hifigan(100, channels, first).operations["float32"] / 2
