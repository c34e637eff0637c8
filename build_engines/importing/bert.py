"""A Hugging Face folder of chinese-roberta-wwm-ext-large → the graph `text_features` of a bundle, and its vocabulary.

Reads config.json, vocab.txt and the weights (model.safetensors, else pytorch_model.bin) from disk and nowhere else. The
graph is made layer by layer and joined at the end, so that the float weights are never in memory twice.
"""

from __future__ import annotations

import copy
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

import onnx
import torch
from onnx import helper
from torch import Tensor, nn

from build_engines.errors import BuildError
from build_engines.export.graph import trace
from build_engines.export.weights import WeightFile, move_out
from build_engines.importing.tensor_files import read_tensors
from build_engines.models.bert import Bert, BertConfig, Embeddings, PackedTable
from build_engines.quantize.cpu import cpu_graph
from build_engines.quantize.layers import FloatGraph
from edge_tts.bundle.fields import parse_object
from edge_tts.errors import BundleError
from edge_tts.text_features import parse_vocabulary

__all__ = ["export_text_features", "load_bert"]

_ADVICE = "give the folder of hfl/chinese-roberta-wwm-ext-large with config.json, vocab.txt and pytorch_model.bin"

# GPT-SoVITS takes the third of the hidden states from the end: nothing looks at what the last two layers make of it.
_UNUSED_LAYERS = 2

_NAMES = {
    r"embeddings\.word_embeddings": "embeddings.words",
    r"embeddings\.position_embeddings": "embeddings.places",
    r"embeddings\.token_type_embeddings": "embeddings.segments",
    r"embeddings\.LayerNorm": "embeddings.norm",
    r"encoder\.layer\.(\d+)\.attention\.self\.(query|key|value)": r"layers.\1.\2",
    r"encoder\.layer\.(\d+)\.attention\.output\.dense": r"layers.\1.merge",
    r"encoder\.layer\.(\d+)\.attention\.output\.LayerNorm": r"layers.\1.merge_norm",
    r"encoder\.layer\.(\d+)\.intermediate\.dense": r"layers.\1.widen",
    r"encoder\.layer\.(\d+)\.output\.dense": r"layers.\1.narrow",
    r"encoder\.layer\.(\d+)\.output\.LayerNorm": r"layers.\1.norm",
}
# Models that were converted from TensorFlow call the norms' parameters as they were called there.
_PARAMETERS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def export_text_features(folder: Path, target: Path, quantize: bool = True, feature_dim: int = 1024) -> None:
    """Writes ``text_features.onnx``, its ``text_features.weights`` and ``vocab.txt`` into the folder ``target``.

    ``feature_dim`` is the size of the text features that the voice takes. With ``quantize``, linears have INT8 weights
    and activations, and the word table has INT8 weights; the graph is then less than a third as large.

    Raises BuildError: a file is missing or can't be read, or the model is no BERT of that size.
    """
    bert = load_bert(folder, feature_dim)
    vocabulary = (folder / "vocab.txt").read_bytes()
    target.mkdir(parents=True, exist_ok=True)
    with WeightFile(target / "text_features.weights") as weights:
        onnx.save(_chain(_graphs(bert, quantize), weights), str(target / "text_features.onnx"))
    (target / "vocab.txt").write_bytes(vocabulary)


def load_bert(folder: Path, feature_dim: int = 1024) -> Bert:
    """The encoder with the folder's weights in their own precision, without its last two layers.

    Raises BuildError: a file is missing or can't be read, or the model is no BERT of that size.
    """
    if not folder.is_dir():
        raise BuildError(f"the text model {folder} is no folder: {_ADVICE}")
    config = _read_config(folder, feature_dim)
    _check_vocabulary(folder, config.vocabulary)
    safe = folder / "model.safetensors"
    path = safe if safe.is_file() else folder / "pytorch_model.bin"
    state = _renamed(read_tensors(path, "text model", _ADVICE))
    with torch.device("meta"):  # names and sizes only: the file has the weights
        bert = Bert(config)
    for name, wanted in bert.state_dict().items():
        if name not in state:
            raise BuildError(f"text model {path} is no BERT of {config.layers + _UNUSED_LAYERS} layers "
                             f"(no weight for {name!r}): {_ADVICE}")  # fmt: skip
        if state[name].shape != wanted.shape:
            sizes = f"{name!r} is {list(state[name].shape)}, not {list(wanted.shape)}"
            raise BuildError(f"text model {path} is not what its config.json says ({sizes}): {_ADVICE}")
    bert.load_state_dict({name: state[name] for name in bert.state_dict()}, assign=True)
    return bert.eval()


def _read_config(folder: Path, feature_dim: int) -> BertConfig:
    path = folder / "config.json"
    try:
        fields = parse_object(_read(path), "config.json")
        kind = fields.text("model_type") if "model_type" in fields else "bert"
        activation = fields.text("hidden_act")
        positions = fields.text("position_embedding_type") if "position_embedding_type" in fields else "absolute"
        if (kind, activation, positions) != ("bert", "gelu", "absolute"):
            raise BuildError(f"text model {folder} is no plain BERT, but {kind!r} with {activation!r} "
                             f"and {positions!r} positions: {_ADVICE}")  # fmt: skip
        config = BertConfig(
            vocabulary=fields.integer("vocab_size", 4, 1 << 20),
            hidden=fields.integer("hidden_size", 1, 1 << 14),
            heads=fields.integer("num_attention_heads", 1, 1 << 10),
            inner=fields.integer("intermediate_size", 1, 1 << 16),
            layers=fields.integer("num_hidden_layers", _UNUSED_LAYERS + 1, 1 << 10) - _UNUSED_LAYERS,
            positions=fields.integer("max_position_embeddings", 512, 1 << 16),
            segments=fields.integer("type_vocab_size", 1, 1 << 10),
            eps=fields.number("layer_norm_eps", 0, 1) if "layer_norm_eps" in fields else BertConfig.eps,
        )
    except BundleError as error:
        raise BuildError(f"text model {folder}: {error}: {_ADVICE}") from None
    if config.hidden != feature_dim or config.hidden % config.heads:
        raise BuildError(f"text model {folder} makes features of {config.hidden} numbers with {config.heads} heads, "
                         f"and the voice takes {feature_dim}: {_ADVICE}")  # fmt: skip
    return config


def _check_vocabulary(folder: Path, size: int) -> None:
    try:
        tokens = len(parse_vocabulary(_read(folder / "vocab.txt")))
    except BundleError as error:
        raise BuildError(f"text model {folder}: {error}: {_ADVICE}") from None
    if tokens != size:
        raise BuildError(f"text model {folder} has {tokens} tokens in vocab.txt and {size} in config.json: {_ADVICE}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BuildError(f"text model's {path} can't be read ({error.strerror}): {_ADVICE}") from None


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's tensors by the names of our `Bert`; a model with a head has them under ``bert.``."""
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        module, _, parameter = name.removeprefix("bert.").rpartition(".")
        for pattern, ours in _NAMES.items():
            match = re.fullmatch(pattern, module)
            if match and parameter in _PARAMETERS:
                found[f"{match.expand(ours)}.{_PARAMETERS[parameter]}"] = tensor
    return found


def _graphs(bert: Bert, quantize: bool) -> Iterator[onnx.ModelProto]:
    """The network's parts as graphs; the output of each is the input of the next."""
    parts = bert.parts()
    names = ["ids", *(f"x{i}" for i in range(1, len(parts))), "features"]
    x = torch.arange(9)[None] % bert.config.vocabulary
    for part, source, result in zip(parts, names[:-1], names[1:], strict=True):
        part = copy.deepcopy(part).float()  # a published model may be in half precision
        if quantize and isinstance(part, Embeddings):
            part.words = PackedTable(cast(nn.Embedding, part.words).weight)
        axes = {source: {1: "tokens"}, result: {1: "characters" if result == names[-1] else "tokens"}}
        graph = trace(part, (x,), (source,), (result,), axes)
        yield _quantized(graph) if quantize else graph
        with torch.no_grad():
            x = part(x)


def _quantized(graph: onnx.ModelProto) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "float.onnx")
        onnx.save(graph, str(path))
        whole = FloatGraph(path)
        return cpu_graph(whole, {layer.name for layer in whole.layers})


def _chain(graphs: Iterable[onnx.ModelProto], weights: WeightFile) -> onnx.ModelProto:
    """One graph of several in a row, with their weights in ``weights``."""
    whole = onnx.GraphProto(name="text_features")
    versions: dict[str, int] = {}
    for i, model in enumerate(graphs):
        graph = model.graph
        shared = {graph.input[0].name, graph.output[0].name, ""}  # "" stands for an input that is left out
        for tensor in graph.initializer:
            tensor.name = f"{i}/{tensor.name}"
        for node in graph.node:
            node.name = f"{i}/{node.name}"
            for names in (node.input, node.output):
                names[:] = [name if name in shared else f"{i}/{name}" for name in names]
        move_out(model, weights, Path())
        whole.node.extend(graph.node)
        whole.initializer.extend(graph.initializer)
        if not whole.input:
            whole.input.extend(graph.input)
        last = graph.output
        versions |= {opset.domain: opset.version for opset in model.opset_import}
    whole.output.extend(last)
    opsets = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
    return helper.make_model(whole, opset_imports=opsets, ir_version=8)
