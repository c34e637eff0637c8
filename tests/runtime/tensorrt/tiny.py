"""The tiny voice for TensorRT: its graphs in the form that engines have, their plans, and a cache full of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from edge_tts.bundle import open_bundle
from edge_tts.engines.tensorrt.board import identify
from edge_tts.engines.tensorrt.cache import EngineCache, engine_parts
from tests import tiny_bundle
from tests.fakes.cuda import FakeDevice
from tests.fakes.tensorrt import FakeTensorRT
from tests.fakes.tensorrt_engine import MAGIC
from tests.tiny_bundle import CONTEXT, D, E, GraphBuilder, H, L, V, make_bundle, read_manifest, write_manifest

RANK = 4
BUCKETS = (64, 128, CONTEXT)
ADAPTED = ("q_0", "v_1")
GRAPHS = ("gpt_prefill", "gpt_step", "latents", "vocoder")

Profile = dict[str, tuple[int, int, int]]


def engine_graph(name: str, classic: bool = False) -> GraphBuilder:
    """One graph as TensorRT gets it."""
    g: GraphBuilder = getattr(tiny_bundle, f"{name.removeprefix('gpt_')}_graph")(classic)
    if name == "gpt_prefill":
        for kind in ("keys", "values"):
            next(node for node in g.nodes if node.output[0] == kind).output[0] = f"{kind}_wide"
            g.op("Cast", [f"{kind}_wide"], kind, to=TensorProto.FLOAT16)
            g.outputs[kind] = ("float16", g.outputs[kind][1])
        if not classic:  # its speakers have no prompt, and TensorRT would rather not see an empty input
            del g.inputs["prompt"]
            g.constant("prompt", np.zeros((1, 0)))
    if name == "gpt_step":
        _write_out_attention(g)
        for target in ADAPTED:
            _adapt(g, target)
    return g


def profiles(name: str, classic: bool = False) -> list[Profile]:
    """The profiles of one graph."""
    phones = {"phones": (1, 16, 64)}
    tokens = {"tokens": (1, 32, 200)}
    return {
        "gpt_prefill": [{**phones, "prompt": (0, 1, 32)} if classic else phones],
        "gpt_step": [{"buffer": (n, n, n), **phones} for n in BUCKETS],
        "latents": [{**tokens, **phones}],
        "vocoder": [{"frames": (1, 8, 60)}, {"frames": (61, 200, 400)}],
    }[name]


def plan(g: GraphBuilder, profiles: list[Profile], fake: FakeTensorRT) -> bytes:
    """What the fake's builder makes of a graph; sizes of samples follow those of frames."""

    def bounds(profile: Profile) -> dict[str, list[list[int]]]:
        sizes = dict(profile)
        if "frames" in sizes:
            sizes["samples"] = tuple(n * tiny_bundle.SAMPLES for n in sizes["frames"])
        return {
            name: [[sizes[size][i] if isinstance(size, str) else size for size in shape] for i in range(3)]
            for name, (_, shape) in g.inputs.items()
            if any(isinstance(size, str) for size in shape)
        }

    listed = [{"shapes": bounds(profile), "values": {}} for profile in profiles]
    header = {"version": fake.build, "device": fake.device, "profiles": listed}
    return MAGIC + json.dumps(header).encode() + b"\n" + g.model()


def make_engine_bundle(folder: Path, names: tuple[str, ...] = GRAPHS) -> Path:
    """A tiny bundle with a `tensorrt` section."""
    make_bundle(folder)
    (folder / "tensorrt").mkdir()
    (folder / "golden/tensorrt").mkdir()
    entries = {}
    for name in names:
        g = engine_graph(name)
        (folder / f"tensorrt/{name}.onnx").write_bytes(g.model())
        (folder / f"golden/tensorrt/{name}.npz").write_bytes(b"golden " + name.encode())
        inputs = {n: spec for n, spec in g.inputs.items() if not n.startswith("lora_")}
        entries[name] = {
            "file": f"tensorrt/{name}.onnx",
            "inputs": _listed(inputs),
            "outputs": _listed(g.outputs),
            "profiles": [{size: list(sizes) for size, sizes in p.items()} for p in profiles(name)],
        }
        if name == "vocoder":  # in the manifest every size that varies has bounds
            for profile in entries[name]["profiles"]:
                profile["samples"] = [n * tiny_bundle.SAMPLES for n in profile["frames"]]
    write_manifest(folder, {**read_manifest(folder), "tensorrt": {"max_rank": RANK, "graphs": entries}})
    return folder


def fill_cache(folder: Path, cache: EngineCache, fake: FakeTensorRT, **certificate: Any) -> None:
    """Builds an engine of every TensorRT graph of a bundle, certified unless told otherwise."""
    bundle = open_bundle(folder)
    board = identify(fake, FakeDevice())
    for name in bundle.manifest.tensorrt.graphs:
        made = plan(engine_graph(name), profiles(name), fake)
        cache.store(engine_parts(bundle, name, board), made, {"passed": True, **certificate})


def _write_out_attention(g: GraphBuilder) -> None:
    """GroupQueryAttention as TensorRT has it: over the rows held and the new one, which is the output."""
    del g.inputs["total_length"]
    for name in [n for n in g.inputs if n.startswith("past_")]:
        g.inputs[name] = ("float16", g.inputs[name][1])
        g.outputs[name.replace("past", "present")] = ("float16", [1, H, "new", D])
    g.outputs["logits"] = ("float32", ["batch", V])  # real graphs too leave sizes open that are always the same
    nodes, g.nodes = g.nodes, []
    g.op("Shape", ["past_key_0"], "past_shape")
    g.op("Gather", ["past_shape", g.constant("row_dim", 2)], "buffer_size")
    g.op("Range", [g.constant("zero", 0), "buffer_size", g.constant("one_row", 1)], "row_numbers")
    g.op("Cast", ["seqlens_k"], "held", to=TensorProto.INT64)
    g.op("Less", ["row_numbers", "held"], "is_held")
    g.constant("far_below", -1e4, np.float32)
    g.constant("scale", D**-0.5, np.float32)
    g.constant("heads", [1, H, 1, D])
    g.constant("flat_heads", [1, 1, H * D])
    for node in nodes:
        if node.op_type == "GroupQueryAttention":
            _attention(g, int(node.output[0].split("_")[1]))
        else:
            g.nodes.append(node)


def _attention(g: GraphBuilder, i: int) -> None:
    for part in "qkv":
        g.op("Reshape", [f"{part}_{i}", "heads"], f"{part}_{i}_heads")
    for part, kind in (("k", "key"), ("v", "value")):
        g.op("Cast", [f"{part}_{i}_heads"], f"present_{kind}_{i}", to=TensorProto.FLOAT16)
        g.op("Cast", [f"past_{kind}_{i}"], f"past_{kind}_{i}_wide", to=TensorProto.FLOAT)
        g.op("Concat", [f"past_{kind}_{i}_wide", f"{part}_{i}_heads"], f"all_{kind}_{i}", axis=2)
    g.op("Mul", [f"q_{i}_heads", "scale"], f"q_{i}_scaled")
    g.op("Transpose", [f"all_key_{i}"], f"all_key_{i}_t", perm=[0, 1, 3, 2])
    g.op("MatMul", [f"q_{i}_scaled", f"all_key_{i}_t"], f"scores_{i}")
    g.op("Concat", ["is_held", g.constant("is_new", [True], bool)], f"is_seen_{i}", axis=0)
    g.op("Where", [f"is_seen_{i}", f"scores_{i}", "far_below"], f"seen_{i}")
    g.op("Softmax", [f"seen_{i}"], f"weights_{i}", axis=-1)
    g.op("MatMul", [f"weights_{i}", f"all_value_{i}"], f"sums_{i}")
    g.op("Reshape", [f"sums_{i}", "flat_heads"], f"attended_{i}")


def _adapt(g: GraphBuilder, target: str) -> None:
    """y = x·W + (x·A)·B."""
    index, node = next((i, node) for i, node in enumerate(g.nodes) if node.output[0] == target)
    node.output[0] = f"{target}_base"
    g.inputs |= {f"lora_A.{target}": ("float16", [E, RANK]), f"lora_B.{target}": ("float16", [RANK, H * D])}
    later, g.nodes = g.nodes[index + 1 :], g.nodes[: index + 1]
    for part in "AB":
        g.op("Cast", [f"lora_{part}.{target}"], f"{target}_{part}", to=TensorProto.FLOAT)
    g.op("MatMul", [node.input[0], f"{target}_A"], f"{target}_low")
    g.op("MatMul", [f"{target}_low", f"{target}_B"], f"{target}_delta")
    g.op("Add", [f"{target}_base", f"{target}_delta"], target)
    g.nodes += later


def _listed(specs: dict[str, Any]) -> dict[str, Any]:
    return {name: {"dtype": dtype, "shape": list(shape)} for name, (dtype, shape) in specs.items()}


assert L == 2  # the targets above are layers of it
