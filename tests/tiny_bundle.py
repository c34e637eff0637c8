"""A tiny voice: a valid bundle with random weights and the real interfaces, made in a fraction of a second.

What it says is noise, but it behaves: the pointer walks over the phones two tokens at a time and the end comes after
the last one, the step is a real GroupQueryAttention with a shared buffer, latents and vocoder are convolutions with
exactly the receptive fields that the manifest states. `classic=True` leaves out pointer, state, align and phase and
adds a prompt; its latents need all tokens and take noise and the number of frames, as a genuine GPT-SoVITS voice's do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from safetensors.numpy import save_file

V, L, H, D, F, E, C, G, A, B = 65, 2, 2, 8, 4, 16, 6, 5, 7, 3
SYMBOLS = 732
CONTEXT = 256
FRAMES, SAMPLES = 4, 240
TOKENS_PER_PHONE = 2
SPEAKERS = ("ada", "bob")

Shape = Sequence[int | str]


class GraphBuilder:
    """Collects nodes and weights; a node's output goes by the name that it is given."""

    def __init__(self, name: str, seed: int) -> None:
        self.name, self.nodes, self.weights = name, [], {}
        self.inputs: dict[str, tuple[str, Shape]] = {}
        self.outputs: dict[str, tuple[str, Shape]] = {}
        self._random = np.random.Generator(np.random.Philox(seed))

    def weight(self, name: str, *shape: int, scale: float = 0.5) -> str:
        self.weights[name] = (self._random.standard_normal(shape) * scale).astype(np.float32)
        return name

    def constant(self, name: str, value: Any, dtype: Any = np.int64) -> str:
        self.weights[name] = np.asarray(value, dtype)
        return name

    def op(self, kind: str, inputs: Sequence[str], *outputs: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), list(outputs), domain=domain, **attributes))
        return outputs[0]

    def model(self) -> bytes:
        def info(name: str, dtype: str, shape: Shape) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)

        graph = helper.make_graph(
            self.nodes,
            self.name,
            [info(name, *spec) for name, spec in self.inputs.items()],
            [info(name, *spec) for name, spec in self.outputs.items()],
            [numpy_helper.from_array(value, name) for name, value in self.weights.items()],
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString(deterministic=True)


def prefill_graph(classic: bool) -> GraphBuilder:
    g = GraphBuilder("gpt_prefill", 1)
    g.inputs = {
        "phones": ("int64", [1, "phones"]),
        "features": ("float32", [1, "phones", F]),
        "prompt": ("int64", [1, "prompt"]),
    }
    g.outputs = {
        "logits": ("float32", [1, V]),
        "keys": ("float32", [L, 1, H, "rows", D]),
        "values": ("float32", [L, 1, H, "rows", D]),
    }
    g.op("Gather", [g.weight("phone_table", SYMBOLS, E), "phones"], "phone_rows", axis=0)
    g.op("MatMul", ["features", g.weight("feature_map", F, E)], "feature_rows")
    text = g.op("Add", ["phone_rows", "feature_rows"], "text")
    g.op("Gather", [g.weight("prompt_table", V, E), "prompt"], "prompt_rows", axis=0)
    g.op("Concat", [text, "prompt_rows"], "rows", axis=1)
    split = g.constant("split", [1, -1, H, D])
    for kind in ("keys", "values"):
        parts = []
        for layer in range(L):
            g.op("MatMul", ["rows", g.weight(f"{kind}_{layer}_map", E, H * D)], f"{kind}_{layer}_flat")
            g.op("Reshape", [f"{kind}_{layer}_flat", split], f"{kind}_{layer}_split")
            g.op("Transpose", [f"{kind}_{layer}_split"], f"{kind}_{layer}_heads", perm=[0, 2, 1, 3])
            parts.append(
                g.op("Unsqueeze", [f"{kind}_{layer}_heads", g.constant(f"{kind}_{layer}_axis", [0])], f"{kind}_{layer}")
            )
        g.op("Concat", parts, kind, axis=0)
    g.op("ReduceMean", ["rows"], "mean", axes=[1], keepdims=0)
    g.op("MatMul", ["mean", g.weight("out", E, V)], "logits")
    if not classic:
        g.outputs |= {"pointer": ("int64", [1]), "state": ("float32", [1, "phones", E])}
        g.op("Identity", [g.constant("zero", [0])], "pointer")
        g.op("Identity", [text], "state")
    return g


def step_graph(classic: bool) -> GraphBuilder:
    g = GraphBuilder("gpt_step", 2)
    g.inputs = {"token": ("int64", [1, 1]), "position": ("int64", [1])}
    g.inputs |= {"seqlens_k": ("int32", [1]), "total_length": ("int32", [1])}
    if not classic:
        g.inputs |= {"pointer": ("int64", [1]), "state": ("float32", [1, "phones", E])}
    caches = [f"{kind}_{layer}" for layer in range(L) for kind in ("key", "value")]
    g.inputs |= {f"past_{name}": ("float32", [1, H, "buffer", D]) for name in caches}
    g.outputs = {"logits": ("float32", [1, V])}
    g.outputs |= {f"present_{name}": ("float32", [1, H, "buffer", D]) for name in caches}
    g.op("Gather", [g.weight("token_table", V, E), "token"], "token_row", axis=0)
    g.op("Gather", [g.weight("position_table", CONTEXT, E), "position"], "position_row", axis=0)
    x = g.op("Add", ["token_row", "position_row"], "x_token")
    if not classic:
        g.op("Gather", ["state", "pointer"], "spoken", axis=1)
        x = g.op("Add", [x, "spoken"], "x_spoken")
    for layer in range(L):
        for part in "qkv":
            g.op("MatMul", [x, g.weight(f"{part}_{layer}_map", E, H * D)], f"{part}_{layer}")
        g.op(
            "GroupQueryAttention",
            [
                f"q_{layer}",
                f"k_{layer}",
                f"v_{layer}",
                f"past_key_{layer}",
                f"past_value_{layer}",
                "seqlens_k",
                "total_length",
            ],
            f"attended_{layer}",
            f"present_key_{layer}",
            f"present_value_{layer}",
            domain="com.microsoft",
            num_heads=H,
            kv_num_heads=H,
        )
        g.op("MatMul", [f"attended_{layer}", g.weight(f"o_{layer}_map", H * D, E)], f"o_{layer}")
        g.op("Add", [x, f"o_{layer}"], f"sum_{layer}")
        x = g.op("Tanh", [f"sum_{layer}"], f"x_{layer}")
    g.op("Squeeze", [x, g.constant("row_axis", [1])], "last")
    g.op("MatMul", ["last", g.weight("out", E, V)], "raw_logits")
    _end_column(g, classic)
    return g


def _end_column(g: GraphBuilder, classic: bool) -> None:
    """The end wins when the pointer has passed the last phone (without pointers: at position 40), and never before."""
    g.op("Add", ["position", g.constant("one", [1])], "spoken_tokens")
    if classic:
        g.op("Less", ["position", g.constant("limit", [40])], "goes_on")
    else:
        g.op("Div", ["spoken_tokens", g.constant("per_phone", [TOKENS_PER_PHONE])], "wanted")
        g.op("Shape", ["state"], "state_shape")
        g.op("Gather", ["state_shape", g.constant("phones_axis", [1])], "phones", axis=0)
        g.op("Sub", ["phones", "one"], "last_phone")
        g.outputs["next_pointer"] = ("int64", [1])
        g.op("Min", ["wanted", "last_phone"], "next_pointer")
        g.op("Less", ["wanted", "phones"], "goes_on")
    bias = np.zeros((1, V), np.float32)
    bias[0, -1] = 50
    g.op("Where", ["goes_on", g.constant("never", -bias, np.float32), g.constant("now", bias, np.float32)], "end_bias")
    g.op("Add", ["raw_logits", "end_bias"], "logits")


def latents_graph(classic: bool) -> GraphBuilder:
    """Two convolutions over tokens (kernel 3) and one over frames (kernel 5): 1 + 1 tokens and 2 frames each side."""
    g = GraphBuilder("latents", 3)
    g.inputs = {"codes": ("int64", [1, "tokens"]), "phones": ("int64", [1, "phones"])}
    g.inputs["condition"] = ("float32", [1, A])
    g.outputs = {"z": ("float32", [1, C, "frames"])}
    g.op("Gather", [g.weight("codebook", V, E), "codes"], "x_codes", axis=0)
    g.op("Gather", [g.weight("phone_table", SYMBOLS, E), "phones"], "phone_rows", axis=0)
    if classic:
        g.op("ReduceMean", ["phone_rows"], "spoken", axes=[1], keepdims=1)
    else:
        g.inputs["align"] = ("int64", [1, "tokens"])
        g.op("Squeeze", ["align", g.constant("batch_axis", [0])], "align_flat")
        g.op("Gather", ["phone_rows", "align_flat"], "spoken", axis=1)
    g.op("MatMul", ["condition", g.weight("condition_map", A, E)], "voice")
    g.op("Add", ["x_codes", "spoken"], "x_spoken")
    g.op("Add", ["x_spoken", "voice"], "x_voice")
    g.op("Transpose", ["x_voice"], "tokens_0", perm=[0, 2, 1])
    for layer in (1, 2):
        g.op("Conv", [f"tokens_{layer - 1}", g.weight(f"conv_{layer}", E, E, 3, scale=0.2)], f"c_{layer}", pads=[1, 1])
        g.op("Tanh", [f"c_{layer}"], f"tokens_{layer}")
    g.op("ConvTranspose", ["tokens_2", g.weight("up", E, C, FRAMES)], "frames_0", strides=[FRAMES])
    g.op("Conv", ["frames_0", g.weight("frame_conv", C, C, 5, scale=0.3)], "z_clean" if classic else "z", pads=[2, 2])
    if classic:
        _stretch_and_noise(g)
    return g


def _stretch_and_noise(g: GraphBuilder) -> None:
    """As in GPT-SoVITS: the number of frames is given (speed), and so is the noise."""
    g.inputs |= {"frames": ("int64", [1]), "noise": ("float32", [1, C, "frames"])}
    g.op("Concat", [g.constant("one_row", [1, C]), "frames"], "z_shape", axis=0)
    g.op("Resize", ["z_clean", "", "", "z_shape"], "z_stretched", mode="linear")
    g.op("Add", ["z_stretched", "noise"], "z")


def vocoder_graph(classic: bool) -> GraphBuilder:
    """A sine whose pitch is a frame's own matter, its loudness that of the frames around (kernel 5), and some noise."""
    g = GraphBuilder("vocoder", 4)
    g.inputs = {"z": ("float32", [1, C, "frames"]), "condition": ("float32", [1, B])}
    g.outputs = {"audio": ("float32", [1, "samples"])}
    g.op("Conv", ["z", g.weight("loud", SAMPLES, C, 5, scale=0.1)], "texture", pads=[2, 2])
    g.op("MatMul", ["condition", g.weight("condition_map", B, 1)], "voice_bias")
    g.op("Add", ["texture", "voice_bias"], "texture_voice")
    g.op("Tanh", ["texture_voice"], "texture_tanh")
    g.op("Transpose", ["texture_tanh"], "texture_rows", perm=[0, 2, 1])
    half = g.constant("half", 0.3, np.float32)
    out = g.op("Mul", ["texture_rows", half], "texture_soft")
    if not classic:
        out = _oscillator(g, out)
    g.op("Reshape", [out, g.constant("flat", [1, -1])], "audio")
    return g


def _oscillator(g: GraphBuilder, texture: str) -> str:
    g.inputs |= {"phase": ("float32", [1]), "noise": ("float32", [1, "samples"])}
    g.outputs["phases"] = ("float32", [1, "edges"])
    g.op("Conv", ["z", g.weight("pitch", 1, C, 1, scale=0.2)], "pitch_raw")
    g.op("Sigmoid", ["pitch_raw"], "cycles_3d")  # cycles per frame, 0..1: up to 100 Hz
    g.op("Squeeze", ["cycles_3d", g.constant("pitch_axis", [1])], "cycles")
    g.op("Unsqueeze", ["phase", g.constant("phase_axis", [0])], "phase_2d")
    g.op("Concat", ["phase_2d", "cycles"], "steps", axis=1)
    g.op("CumSum", ["steps", g.constant("time_axis", 1)], "phases")
    g.op("Slice", ["phases", g.constant("from", [0]), g.constant("to", [-1]), g.constant("along", [1])], "starts")
    g.op("Unsqueeze", ["starts", g.constant("sample_axis", [2])], "starts_3d")
    g.op("Unsqueeze", ["cycles", "sample_axis"], "cycles_col")
    ramp = np.arange(SAMPLES, dtype=np.float32)[None, None] / SAMPLES
    g.op("Mul", ["cycles_col", g.constant("ramp", ramp, np.float32)], "within")
    g.op("Add", ["starts_3d", "within"], "cycle")
    g.op("Mul", ["cycle", g.constant("turn", 2 * np.pi, np.float32)], "angle")
    g.op("Sin", ["angle"], "sine")
    g.op("Mul", ["sine", "half"], "tone")
    g.op("Reshape", ["noise", g.constant("by_frame", [1, -1, SAMPLES])], "noise_rows")
    g.op("Mul", ["noise_rows", g.constant("hiss", 0.02, np.float32)], "soft_noise")
    g.op("Add", ["tone", texture], "voiced")
    return g.op("Add", ["voiced", "soft_noise"], "all_sound")


def make_bundle(folder: Path, *, classic: bool = False, external: bool = False, name: str = "tiny") -> Path:
    """Writes the bundle into `folder` (made if needed) and returns it."""
    graphs = [make(classic) for make in (prefill_graph, step_graph, latents_graph, vocoder_graph)]
    for sub in ("graphs", "speakers", "golden"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    entries = {}
    for graph in graphs:
        file = f"graphs/{graph.name}.onnx"
        (folder / file).write_bytes(graph.model())
        if external and graph.name == "latents":
            _externalise(folder / file)
        tensors = {"inputs": graph.inputs, "outputs": graph.outputs}
        entries[graph.name] = {"file": file} | {kind: _listed(specs) for kind, specs in tensors.items()}
    for index, speaker in enumerate(SPEAKERS):
        save_file(speaker_tensors(index, classic), folder / f"speakers/{speaker}.safetensors")
    np.savez(folder / "golden/latents.npz", codes=np.arange(4)[None])
    (folder / "card.md").write_text("# A tiny voice\n\nRandom weights: it makes noise.\n", encoding="utf-8")
    manifest = _manifest(name, entries, classic)
    write_manifest(folder, manifest)
    return folder


def speaker_tensors(index: int, classic: bool) -> dict[str, np.ndarray]:
    random = np.random.Generator(np.random.Philox(100 + index))
    prompt, phones = (7, 5) if classic else (0, 0)
    return {
        "prompt_semantic": random.integers(0, V - 1, prompt),
        "prompt_phones": random.integers(0, SYMBOLS, phones),
        "prompt_features": random.standard_normal((phones, F)).astype(np.float32),
        "features": random.standard_normal(F).astype(np.float32),
        "ge": random.standard_normal(G).astype(np.float32),
        "latents_condition": random.standard_normal(A).astype(np.float32),
        "vocoder_condition": random.standard_normal(B).astype(np.float32),
    }


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Writes manifest.json with the sizes and hashes of the files as they are now."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json")
    listed = {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}
    hashes = {name: {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)} for name, raw in listed.items()}
    text = json.dumps({**manifest, "files": hashes}, indent=1)
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest as plain JSON, for a test to bend."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def _listed(specs: Mapping[str, tuple[str, Shape]]) -> dict[str, Any]:
    return {name: {"dtype": dtype, "shape": list(shape)} for name, (dtype, shape) in specs.items()}


def _manifest(name: str, graphs: Mapping[str, Any], classic: bool) -> dict[str, Any]:
    return {
        "format": "edge-tts-bundle",
        "format_version": 2,
        "name": name,
        "model": {"family": "gpt-sovits" if classic else "gpt-sovits-distilled", "version": "1"},
        "sample_rate": 24000,
        "token_rate_hz": 25,
        "languages": ["en"],
        "symbols": "gpt-sovits-v2",
        "gpt": {
            "vocab_size": V,
            "eos": V - 1,
            "layers": L,
            "heads": H,
            "head_dim": D,
            "max_context": CONTEXT,
            "feature_dim": F,
            "state_dim": 0 if classic else E,
        },
        "decoder": {
            "frames_per_token": FRAMES,
            "samples_per_frame": SAMPLES,
            "latent_channels": C,
            "latent_context_tokens": None if classic else 3,
            "vocoder_context_frames": 2,
            "noise_scale": 0.5 if classic else 0.0,
        },
        "sampling": {"top_k": 5, "top_p": 1.0, "temperature": 0.8, "repetition_penalty": 1.0, "min_tokens": 2},
        "graphs": dict(graphs),
        "speakers": {
            speaker: {"file": f"speakers/{speaker}.safetensors", "language": "en", "description": f"{speaker}, random"}
            for speaker in SPEAKERS
        },
        "default_speaker": SPEAKERS[0],
        "adapters": {"targets": [], "max_rank": 0},
        "licence": "Apache-2.0",
        "provenance": {"made_by": "tests/tiny_bundle.py"},
    }


def _externalise(path: Path) -> None:
    """Moves the weights of a graph into a file beside it."""
    model = onnx.load_model_from_string(path.read_bytes())
    onnx.save_model(
        model,
        path,
        save_as_external_data=True,
        location=f"{path.stem}.data",
        size_threshold=256,
        all_tensors_to_one_file=True,
    )
