"""Speaker tokens: what the networks get to hear, what is averaged, and GPT-SoVITS's own numbers."""

import lzma
from dataclasses import replace

import numpy as np
import pytest

from build_engines.enroll.audio import read_recording
from build_engines.enroll.graphs import EnrolmentGraphs, Needs
from build_engines.enroll.resample import resample, sinc_resample
from build_engines.enroll.spectrum import spectrum
from build_engines.enroll.tokens import genuine_tokens, nearest_speaker, own_embedding, own_tokens, prompt_audio
from build_engines.errors import BuildError
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.text import front_end
from tests.build.enroll.sounds import clean, write
from tests.build.enroll.voices import SSL, VECTOR
from tests.build.models.sovits.golden import INPUTS, limit, load, manifest
from tests.tiny_bundle import A, B, G, read_manifest, write_manifest

TEXT = "The river follows a bottle."


@pytest.fixture
def recordings(tmp_path):
    sounds = (clean(3.0, 44_100), clean(4.0, 44_100, seed=3))
    return [read_recording(write(tmp_path / f"{i}.wav", sound, 44_100)) for i, sound in enumerate(sounds)]


def opened(made, kind):
    bundle = open_bundle(made[kind])
    return bundle, EnrolmentGraphs(bundle, OnnxEngine())


class Ear:
    """Remembers what it was given, and answers with random numbers."""

    def __init__(self, *shape):
        self.heard, self._shape = [], shape

    def __call__(self, audio):
        self.heard.append(audio)
        return np.random.default_rng(len(self.heard)).standard_normal(self._shape).astype(np.float32)


def test_the_prompt_ends_in_silence(recordings):
    audio = prompt_audio(recordings[0])
    spoken = resample(recordings[0].mono, 44_100, 16_000)
    assert len(audio) == 48_000 + 9_600
    assert np.array_equal(audio[:48_000], spoken)
    assert not audio[48_000:].any()


def test_needs(made):
    assert opened(made, "own")[1].needs == Needs(prompt=False, speaker_vector=False)
    assert opened(made, "classic")[1].needs == Needs(prompt=True, speaker_vector=False)
    assert opened(made, "pro")[1].needs == Needs(prompt=True, speaker_vector=True)


def test_what_the_networks_hear(made, recordings):
    bundle, graphs = opened(made, "pro")
    hubert, verifier = Ear(1, SSL, 90), Ear(VECTOR)
    tokens = genuine_tokens(graphs, bundle.manifest, recordings, front_end(TEXT, "en"), hubert, verifier)
    (heard,) = hubert.heard  # further references are no prompts
    assert np.array_equal(heard, prompt_audio(recordings[0]))
    assert len(tokens.prompt_semantic) == 45
    rate = bundle.manifest.sample_rate
    for recording, audio in zip(recordings, verifier.heard, strict=True):
        assert np.array_equal(audio, sinc_resample(sinc_resample(recording.mono, 44_100, rate), rate, 16_000))


def test_several_references_are_averaged(made, recordings):
    bundle, graphs = opened(made, "classic")
    sentences = front_end(TEXT, "en")

    def embedding(*chosen):
        tokens = genuine_tokens(graphs, bundle.manifest, chosen, sentences, Ear(1, SSL, 90), None)
        return tokens.ge, tokens

    (one, first), (two, _) = embedding(recordings[0]), embedding(recordings[1])
    both, together = embedding(*recordings)
    audio = sinc_resample(recordings[0].mono, 44_100, bundle.manifest.sample_rate)
    (wanted,) = graphs.embeddings([{"spectrum": spectrum(audio)}])
    assert np.array_equal(one, wanted)
    assert both == pytest.approx((one + two) / 2, rel=1e-5)
    assert np.array_equal(first.prompt_semantic, together.prompt_semantic)
    assert (together.latents_condition.shape, together.vocoder_condition.shape) == ((A,), (B,))
    assert not np.allclose(first.latents_condition, together.latents_condition)


def test_loud_audio_is_turned_down_for_both_networks(made, recordings):
    bundle, graphs = opened(made, "pro")
    loud = replace(recordings[0], mono=recordings[0].mono * np.float32(1.5 / np.abs(recordings[0].mono).max()))
    verifier = Ear(VECTOR)
    genuine_tokens(graphs, bundle.manifest, [loud], front_end(TEXT, "en"), Ear(1, SSL, 90), verifier)
    assert np.abs(verifier.heard[0]).max() <= 1.05
    assert np.abs(loud.mono).max() > 1.4


def test_an_encoder_of_its_own(made, recordings):
    bundle, graphs = opened(made, "own")
    one, two = (own_embedding(graphs, bundle.manifest, [recording]) for recording in recordings)
    audio = resample(recordings[0].mono, 44_100, bundle.manifest.sample_rate)
    (wanted,) = graphs.embeddings([{"audio": audio[None]}])
    assert one == pytest.approx(wanted, rel=1e-5)
    both = own_embedding(graphs, bundle.manifest, recordings)
    assert np.linalg.norm(both) == pytest.approx((np.linalg.norm(one) + np.linalg.norm(two)) / 2, rel=1e-5)
    direction = (one + two) / np.linalg.norm(one + two)
    assert both / np.linalg.norm(both) == pytest.approx(direction, rel=1e-4)


def test_without_a_condition_graph_it_is_ge(made, tmp_path, recordings, bundles):
    folder = bundles("own")
    tree = read_manifest(folder)
    del tree["enrollment"]["condition"]
    (folder / "enrollment" / "condition.onnx").unlink()
    write_manifest(folder, tree)
    bundle = open_bundle(folder)
    graphs = EnrolmentGraphs(bundle, OnnxEngine())
    like = bundle.speaker("bob")
    ge = own_embedding(graphs, bundle.manifest, recordings[:1])
    tokens = own_tokens(graphs, ge, like)
    assert np.array_equal(tokens.latents_condition, ge)
    assert np.array_equal(tokens.vocoder_condition, ge)
    assert np.array_equal(tokens.features, like.features)


def test_the_nearest_points_the_same_way(made):
    bundle = open_bundle(made["own"])
    speakers = {name: bundle.speaker(name) for name in bundle.manifest.speakers}
    for name, tokens in speakers.items():
        found, cosine = nearest_speaker(tokens.ge * np.float32(7), speakers)
        assert (found, cosine) == (name, pytest.approx(1.0))
    found, cosine = nearest_speaker(np.zeros(G, np.float32), speakers)
    assert (found in speakers, cosine) == (True, 0.0)


@pytest.mark.parametrize(
    ("kind", "bend"),
    [
        ("classic", lambda e: e.pop("semantic")),
        ("classic", lambda e: e.pop("condition")),
        ("classic", lambda e: e["semantic"]["inputs"].update(more={"dtype": "float32", "shape": [1]})),
        ("classic", lambda e: e["reference"]["inputs"].update(noise={"dtype": "float32", "shape": [1]})),
        ("own", lambda e: e["reference"]["outputs"].clear()),
        ("own", lambda e: e.clear()),
    ],
)
def test_graphs_that_nobody_can_run(bundles, kind, bend):
    folder = bundles(kind)
    tree = read_manifest(folder)
    bend(tree["enrollment"])
    write_manifest(folder, tree)
    with pytest.raises(BuildError, match="import"):
        EnrolmentGraphs(open_bundle(folder), OnnxEngine())


def test_as_gpt_sovits_computes(reference, tmp_path):
    """A Pro voice imported from a tiny checkpoint: the tokens and the averaged embedding that the program recorded."""
    from build_engines.importing.voice import ImportPlan, import_voice

    version = "v2Pro"
    path = tmp_path / "s2.pth"
    path.write_bytes(lzma.decompress((reference / f"ckpt/s2_{version}_tiny_e8_s96.pth.xz").read_bytes()))
    folder = tmp_path / "voice"
    import_voice(ImportPlan(reference / "ckpt/s1_v2_tiny-e15.ckpt", path, folder, "voice"))
    file = f"golden/golden_s2_{version}_tiny_e8_s96.npz"
    inputs, golden, entries = load(reference, INPUTS), load(reference, file), manifest(reference, file)
    bundle = open_bundle(folder)
    graphs = EnrolmentGraphs(bundle, OnnxEngine())
    recordings = [read_recording(reference / f"golden/ref_{which}_32k.wav") for which in "ab"]
    vectors = iter([inputs["sv_emb_a"][0], inputs["sv_emb_b"][0]])
    tokens = genuine_tokens(
        graphs, bundle.manifest, recordings, front_end(TEXT, "en"), lambda audio: inputs["ssl"],
        lambda audio: next(vectors),
    )  # fmt: skip
    assert np.array_equal(tokens.prompt_semantic, golden["prompt_semantic"].reshape(-1))
    assert np.abs(tokens.ge - golden["ge_mean_ab"].reshape(-1)).max() <= limit(entries["ge_mean_ab"])
