"""The graphs of GPT-SoVITS's acoustic model: the recorded sound, their contract, and a stream without seams."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from build_engines.export.sovits import export_enrollment, export_sovits
from build_engines.models.sovits.generator import vocoder_context_frames
from build_engines.models.sovits.model import Sovits
from tests.build.conftest import open_session
from tests.build.models.sovits.golden import VERSIONS, compare, load_golden
from tests.build.models.sovits.small import PRO, SMALL

SPEAKING = ("latents", "vocoder")
ENROLLMENT = ("semantic", "reference", "condition")


@dataclass(frozen=True)
class Graphs:
    """A model and the folder of its five graphs."""

    model: Sovits
    folder: Path

    def __hash__(self):
        return hash(self.folder)

    @cache  # noqa: B019 -- lives as long as the fixture
    def session(self, graph):
        return open_session(self.folder / f"{graph}.onnx")

    def run(self, graph, **inputs):
        """The graph's outputs; inputs are tensors, None is left out."""
        fed = {name: value.numpy() for name, value in inputs.items() if value is not None}
        return [torch.from_numpy(value) for value in self.session(graph).run(None, fed)]

    def proto(self, graph):
        return onnx.load(self.folder / f"{graph}.onnx", load_external_data=False)

    def latents(self, codes, phones, condition, frames, noise):
        (z,) = self.run("latents", codes=codes, phones=phones, condition=condition, frames=frames, noise=noise)
        return z


def exported(model, folder):
    export_sovits(model, folder)
    export_enrollment(model, folder)
    return Graphs(model, folder)


@pytest.fixture(scope="module", params=VERSIONS)
def golden(request, reference):
    return load_golden(reference, request.param)


@pytest.fixture(scope="module")
def golden_graphs(golden, tmp_path_factory):
    return exported(golden.model, tmp_path_factory.mktemp("golden"))


def random_graphs(config, folder):
    torch.manual_seed(2)
    model = Sovits(config).requires_grad_(False)
    model.quantizer.entries.normal_()
    return exported(model, folder)


@pytest.fixture(scope="module")
def small_graphs(tmp_path_factory):
    return random_graphs(SMALL, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def pro_graphs(tmp_path_factory):
    return random_graphs(PRO, tmp_path_factory.mktemp("pro"))


@pytest.fixture(params=["small_graphs", "pro_graphs"], ids=["v2", "v2Pro"])
def graphs(request):
    """Of random weights; not to be changed."""
    return request.getfixturevalue(request.param)


def decibels(signal, other):
    return 10 * np.log10((signal**2).sum() / max(((signal - other) ** 2).sum(), 1e-30))


def test_the_graphs_give_the_recorded_arrays(golden, golden_graphs):
    graphs, found = golden_graphs, {}
    (codes,) = graphs.run("semantic", ssl=torch.from_numpy(golden.shared["ssl"]))
    found["prompt_semantic"] = codes[None]
    speakers = {}
    for letter in "ab":
        spectrum, vector = golden.speaker(letter)
        (speakers[letter],) = graphs.run("reference", spectrum=spectrum, speaker_vector=vector)
    speakers["mean_ab"] = (speakers["a"] + speakers["b"]) / 2
    found |= {f"ge_{name}": ge[..., None] for name, ge in speakers.items()}
    for case in golden.cases():
        latents_condition, vocoder_condition = graphs.run("condition", ge=speakers[case.reference])
        z = graphs.latents(case.codes, case.phones, latents_condition, case.frames, case.noise)
        (audio,) = graphs.run("vocoder", z=z, condition=vocoder_condition)
        found |= {f"{case.name}_z_after_flow": z, f"{case.name}_audio": audio[None]}
    recorded = {name for name in golden.arrays if name.endswith(("_audio", "z_after_flow"))}
    assert recorded < found.keys()
    assert compare({name: value.numpy() for name, value in found.items() if name in golden.arrays}, golden) == {}


@pytest.mark.parametrize(("tokens", "phones", "frames"), [(1, 1, 2), (6, 5, 12), (7, 3, 23), (40, 60, 61)])
def test_graphs_equal_the_modules_at_any_length(graphs, tokens, phones, frames):
    model, channels = graphs.model, graphs.model.config.inter_channels
    ge = torch.randn(1, model.config.gin_channels)
    conditions = graphs.run("condition", ge=ge)
    for found, wanted in zip(conditions, model.condition(ge), strict=True):
        assert torch.allclose(found, wanted, atol=1e-5)
    codes, phones = torch.randint(0, 1024, (1, tokens)), torch.randint(0, model.config.symbols, (1, phones))
    frames, noise = torch.tensor([frames]), torch.randn(1, channels, frames)
    z = graphs.latents(codes, phones, conditions[0], frames, noise)
    wanted = model.latents(codes, phones, conditions[0], frames, noise, model.table())
    assert torch.allclose(z, wanted, atol=1e-4)
    (audio,) = graphs.run("vocoder", z=z, condition=conditions[1])
    assert torch.allclose(audio, model.vocoder(z, conditions[1]), atol=1e-5)


@pytest.mark.parametrize("frames", [2, 3, 50])
def test_enrollment_equals_the_modules_at_any_length(graphs, frames):
    model = graphs.model
    ssl = torch.randn(1, 768, frames)
    (codes,) = graphs.run("semantic", ssl=ssl)
    assert codes.dtype == torch.int64
    assert torch.equal(codes, model.semantic(ssl))
    spectrum = torch.rand(1, model.config.filter_length // 2 + 1, frames)
    vector = torch.randn(1, 20_480) if model.config.pro else None
    (ge,) = graphs.run("reference", spectrum=spectrum, speaker_vector=vector)
    assert torch.allclose(ge, model.reference(spectrum, vector), atol=1e-5)


def test_inputs_and_outputs_are_those_of_a_bundle(graphs):
    config = graphs.model.config
    share = 16 + 4 * 8 * 16
    vector = {"speaker_vector": [1, 20_480]} if config.pro else {}
    wanted = {
        "latents": (
            {
                "codes": [1, "tokens"], "phones": [1, "phones"], "condition": [1, share], "frames": [1],
                "noise": [1, 8, "frames"],
            },
            {"z": [None, 8, "frames"]},
        ),
        "vocoder": ({"z": [1, 8, "frames"], "condition": [1, 32]}, {"audio": [1, "samples"]}),
        "semantic": ({"ssl": [1, 768, "frames"]}, {"codes": [1, "tokens"]}),
        "reference": ({"spectrum": [1, 65, "frames"], **vector}, {"ge": [1, config.gin_channels]}),
        "condition": (
            {"ge": [1, config.gin_channels]}, {"latents_condition": [1, share], "vocoder_condition": [1, 32]},
        ),
    }  # fmt: skip
    for graph, (inputs, outputs) in wanted.items():
        session = graphs.session(graph)
        assert {value.name: value.shape for value in session.get_inputs()} == inputs
        found = {value.name: value.shape for value in session.get_outputs()}
        assert found.keys() == outputs.keys()
        for name, shape in outputs.items():
            assert [size if wanted else None for size, wanted in zip(found[name], shape, strict=True)] == shape
    integers = [value.name for value in graphs.session("latents").get_inputs() if value.type == "tensor(int64)"]
    assert integers == ["codes", "phones", "frames"]


@pytest.mark.parametrize("graph", SPEAKING + ENROLLMENT)
def test_weights_lie_beside_the_graph(graphs, graph):
    weights = graphs.folder / f"{graph}.weights"
    end = 0
    for tensor in graphs.proto(graph).graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        assert entries["location"] == weights.name
        assert tensor.data_type == onnx.TensorProto.FLOAT
        assert int(entries["offset"]) % 64 == 0
        end = max(end, int(entries["offset"]) + int(entries["length"]))
    assert end == weights.stat().st_size
    assert (graphs.folder / f"{graph}.onnx").stat().st_size < 500_000


@pytest.mark.parametrize("graph", SPEAKING + ENROLLMENT)
def test_weights_are_used_as_they_are_stored(graphs, graph):
    """No node turns, casts or takes apart a weight whenever the graph is loaded, but for the codebook's precision."""
    proto = graphs.proto(graph).graph
    names = {tensor.name for tensor in proto.initializer}
    readers = {(node.op_type, name) for node in proto.node for name in node.input if name in names}
    fits = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "LayerNormalization", "PRelu"}
    tables = {("Gather", "table"), ("Gather", "enc_p.text_embedding.weight")}
    codebook = {("Cast", "quantizer.vq.layers.0._codebook.embed")}
    left = {(kind, name) for kind, name in readers if kind not in fits and "emb_rel" not in name}
    assert left == {"latents": tables, "semantic": codebook}.get(graph, set())
    assert {node.op_type for node in proto.node}.isdisjoint({"If", "Loop", "Scan", "SequenceAt"})


def test_speaking_graphs_store_no_weight_twice(graphs):
    names = [tensor.name for graph in SPEAKING for tensor in graphs.proto(graph).graph.initializer]
    assert len(names) == len(set(names))
    left = set(graphs.model.state_dict()) - set(names)
    assert not {name for name in left if name.startswith(("dec.ups", "dec.res", "enc_p.enc"))}


def test_the_vocoders_convolutions_are_two_dimensional(graphs):
    proto = graphs.proto("vocoder").graph
    sizes = {tensor.name: tensor.dims for tensor in proto.initializer}
    convolutions = [node for node in proto.node if node.op_type in ("Conv", "ConvTranspose")]
    assert len(convolutions) == 2 + 5 + 5 * 3 * 6
    assert {len(sizes[node.input[1]]) for node in convolutions} == {4}
    assert graphs.model.dec.conv_pre.weight.dim() == 3  # the model itself is as it was


def test_exporting_twice_gives_the_same_bytes(pro_graphs, tmp_path):
    again = exported(pro_graphs.model, tmp_path)
    files = sorted(path.name for path in pro_graphs.folder.iterdir())
    assert files == sorted(f"{graph}.{kind}" for graph in SPEAKING + ENROLLMENT for kind in ("onnx", "weights"))
    for name in files:
        assert (again.folder / name).read_bytes() == (pro_graphs.folder / name).read_bytes()


def test_windows_with_context_give_the_whole_utterance(golden, golden_graphs):
    """What streaming rests on: no seam is heard wherever the windows are cut."""
    context, hop = vocoder_context_frames(golden.model.config), golden.model.config.hop_length
    z = torch.from_numpy(golden.arrays["long_n05_z_after_flow"])
    _, condition = golden_graphs.run("condition", ge=golden.speakers()["a"])
    (whole,) = golden_graphs.run("vocoder", z=z, condition=condition)
    frames = z.shape[2]
    for missing, bound in ((0, 90), (7, None)):
        pieces = []
        for start in range(0, frames, 25):
            stop = min(start + 25, frames)
            first, last = max(0, start - context + missing), min(frames, stop + context - missing)
            (piece,) = golden_graphs.run("vocoder", z=z[:, :, first:last].contiguous(), condition=condition)
            pieces.append(piece[:, (start - first) * hop : (stop - first) * hop])
        ratio = decibels(whole.numpy(), torch.cat(pieces, 1).numpy())
        assert ratio > bound if bound else ratio < 60
