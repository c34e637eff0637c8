"""A bundle's float graph → a graph for TensorRT: explicit INT8, float16 elsewhere, adapters as inputs (docs/bundle.md).

Quantizers are placed by hand. What a general tool can't know is most of the work: an adapter reads the activation
before its quantizer, the decode step's attention isn't an ONNX operator, and sequences, weights and scales have to lie
the way that TensorRT fuses. What is left for the tool, a quantizer before each layer, is the short part.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper

from build_engines.errors import BuildError
from build_engines.export.adapters import add_adapters
from build_engines.quantize.float16 import to_float16
from build_engines.quantize.qdq_attention import expand_attention
from build_engines.quantize.qdq_draft import Draft
from build_engines.quantize.qdq_layers import quantize_layers
from build_engines.quantize.qdq_operators import check_operators, check_types, to_opset
from build_engines.quantize.qdq_static import simplify

__all__ = ["check_layers", "tensorrt_graph"]

_GPT = ("gpt_prefill", "gpt_step")
_LORA = ("lora_A.", "lora_B.")
_CACHES = ("keys", "values", "past_key_", "past_value_", "present_key_", "present_value_")


def tensorrt_graph(model: onnx.ModelProto, name: str, amax: Mapping[str, float], max_rank: int) -> onnx.ModelProto:
    """The graph `name` for TensorRT, in opset 19 and strongly typed; the same input gives the same bytes.

    `model` is a bundle's float graph with its weights loaded, which is left as it is. `amax` names the nodes that
    become INT8: MatMul, Gemm, Conv or ConvTranspose with constant weights, each with the largest absolute value that
    its activation's quantizer represents. With none, the graph is float16 only. `max_rank` is the adapters' fixed rank;
    with 0, a voice whose linear layers take none gets none.

    Raises BuildError: TensorRT lacks an operator (named, with its node), or `amax` doesn't suit the graph.
    """
    has_adapters = any(value.name.startswith(_LORA) for value in model.graph.input)
    if has_adapters and not max_rank:
        raise BuildError(f"graph {name!r} has adapters: their rank can't be 0")
    if name in _GPT and max_rank and not has_adapters:
        with_adapters = onnx.ModelProto()
        with_adapters.CopyFrom(model)
        add_adapters(with_adapters)
        model = with_adapters
    draft = Draft.read(model)
    draft.name = name  # the exporter calls every graph the same
    expand_attention(draft)
    check_operators(draft, branches=True)
    _drop_known_inputs(draft)
    simplify(draft)
    check_operators(draft)
    check_types(draft)
    to_opset(draft)
    _fix_rank(draft, max_rank)
    quantize_layers(draft, amax)
    to_float16(draft, [tensor for tensor in (*draft.inputs, *draft.outputs) if tensor.startswith((*_LORA, *_CACHES))])
    return draft.model()


def check_layers(model: onnx.ModelProto, name: str) -> None:
    """Raises BuildError: TensorRT lacks an operator of the graph, whose large weights needn't be loaded."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    loaded = [tensor for tensor in model.graph.initializer if tensor.data_location != TensorProto.EXTERNAL]
    del copy.graph.initializer[:]
    copy.graph.initializer.extend(loaded)
    draft = Draft.read(copy)
    draft.name = name
    expand_attention(draft)
    check_operators(draft, branches=True)


def _drop_known_inputs(draft: Draft) -> None:
    """Take away what TensorRT would have to be told twice, or can't be given.

    The number of frames is the length of the noise, and a number that decides a shape is a special input to TensorRT.
    A distilled voice's prompt is empty (its pointer reads phones and not a recording), and so would be its memory.
    """
    if "frames" in draft.inputs and "noise" in draft.inputs:
        axis = draft.add("frames/axis", np.array([2]))
        shape = helper.make_node("Shape", ["noise"], ["frames/shape"], "frames/Shape")
        take = helper.make_node("Gather", ["frames/shape", axis], ["frames"], "frames/Gather")
        draft.nodes[:0] = [shape, take]
        del draft.inputs["frames"]
    if "prompt" in draft.inputs and "pointer" in draft.outputs:
        draft.add("prompt", np.zeros((1, 0), np.int64))
        del draft.inputs["prompt"]


def _fix_rank(draft: Draft, rank: int) -> None:
    for name, value in draft.inputs.items():
        if name.startswith(_LORA):
            free = 1 if name.startswith(_LORA[0]) else 0
            value.type.tensor_type.shape.dim[free].dim_value = rank  # this takes the name's place
            value.type.tensor_type.elem_type = TensorProto.FLOAT
