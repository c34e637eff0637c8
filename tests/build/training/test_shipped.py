from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import edge_tts
from build_engines.errors import BuildError
from build_engines.export import export_decoder
from build_engines.models.decoder import Decoder, DecoderConfig
from build_engines.quantize.layers import FloatGraph
from build_engines.quantize.restore import restore
from build_engines.training.shipped import graph_weights, shipped_decoder
from tests.build.conftest import DECODER_CONFIG
from tests.build.quantize.int8_case import quantized, ranges_of

VOICE = Path(edge_tts.__file__).parent / "voices" / "default"


def decibels(expected, found):
    return 10 * np.log10(np.sum(expected**2) / np.sum((expected - found) ** 2))


def restored(name):
    """The default voice's graph with its own weights and float arithmetic, as the decoder has it."""
    path = VOICE / "graphs" / f"{name}.onnx"
    model = restore(onnx.load(str(path)), path.parent)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def test_the_default_voice_comes_back():
    decoder = shipped_decoder(VOICE)
    rng = np.random.default_rng(0)
    codes, phones = rng.integers(0, 1024, (1, 20)), rng.integers(0, 700, (1, 6))
    align = np.sort(rng.integers(0, 6, (1, 20)))
    ge = rng.standard_normal((1, 64)).astype(np.float32)
    (expected,) = restored("latents").run(["z"], {"codes": codes, "phones": phones, "align": align, "condition": ge})
    with torch.no_grad():
        z = decoder.latents(*(torch.from_numpy(x) for x in (codes, phones, align, ge))).transpose(1, 2)
        log_f0, *_ = decoder.vocoder.curves(z.transpose(1, 2), torch.from_numpy(ge))
    assert decibels(expected, z.numpy()) > 60
    feeds = {"z": expected, "condition": ge, "phase": np.zeros(1, np.float32), "noise": np.zeros((1, 80 * 240), "f4")}
    (phases,) = restored("vocoder").run(["phases"], feeds)
    # The oscillator runs at the F0 that the weights give.
    hertz = torch.exp(log_f0[0].clamp(3.9, 6.3)).numpy()
    cycles = np.cumsum((hertz[:-1] + hertz[1:]) / 2 / 100)
    slipped = (phases[0, 1:80] - cycles + 0.5) % 1 - 0.5
    assert np.abs(slipped).max() < 0.02


@pytest.fixture
def voice(tmp_path):
    """A small decoder and a folder with its graphs, the latents' linear layers in static INT8."""
    torch.manual_seed(1)
    decoder = Decoder(DECODER_CONFIG).eval()
    for parameter in decoder.parameters():  # no two alike, as in a trained one: the exporter would merge them
        torch.nn.init.normal_(parameter, std=0.3)
    export_decoder(decoder, tmp_path / "graphs")
    path = tmp_path / "graphs" / "latents.onnx"
    rng = np.random.default_rng(0)
    feeds = {"codes": rng.integers(0, 1024, (1, 20)), "phones": rng.integers(0, 700, (1, 6))}
    feeds |= {"align": np.sort(rng.integers(0, 6, (1, 20))), "condition": rng.standard_normal((1, 8), np.float32)}
    linears = {layer.name for layer in FloatGraph(path).layers if layer.kind == "MatMul"}
    path.rename(tmp_path / "float.onnx")
    quantized(tmp_path / "float.onnx", path, linears, ranges_of(tmp_path / "float.onnx", feeds))
    return decoder, tmp_path, linears


def test_weights_of_static_layers_come_back(voice):
    decoder, folder, linears = voice
    found, wanted = shipped_decoder(folder, DECODER_CONFIG).state_dict(), decoder.state_dict()
    rounded = {f"{name}.weight" for name in linears}
    assert rounded < set(wanted)
    for name, weight in wanted.items():
        error = (found[name] - weight).abs()
        if name in rounded:
            assert error.max() > 0
            assert (error <= 0.51 * weight.abs().amax(1, keepdim=True) / 127).all(), name
        else:
            assert error.max() == 0, name


def test_float_graphs_give_their_weights_as_they_are(voice):
    decoder, folder, _ = voice
    found, wanted = graph_weights(folder / "float.onnx"), decoder.state_dict()
    assert len(found.keys() & wanted.keys()) > 20
    for name in found.keys() & wanted.keys():
        assert torch.equal(found[name], wanted[name]), name


def test_another_decoder_is_refused():
    with pytest.raises(BuildError, match="own decoder"):
        shipped_decoder(VOICE, DecoderConfig(dim=128))


def test_it_is_frozen():
    decoder = shipped_decoder(VOICE)
    assert isinstance(decoder, Decoder)
    assert not any(p.requires_grad for p in decoder.parameters())
