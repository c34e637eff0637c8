import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F

from build_engines.models.decoder import Decoder, DecoderConfig
from build_engines.models.speaker_encoder import EncoderConfig, SpeakerEncoder, SpeechMel, levelled
from build_engines.training.encoder import EncoderTrainer, export_reference, golden_reference, magnitudes, people
from build_engines.training.enrolment_data import Clip, Draft, heldout, load_drafts, save_drafts
from build_engines.training.talker import Talker, statistics

TINY = EncoderConfig(dim=16, blocks=1, kernel=3, expansion=1, ge_dim=8)
DECODER = DecoderConfig(
    dim=16, ge_dim=8, phone_dim=8, phoneme_vocab_size=12, blocks=(1, 1, 1), kernel=3, harmonic_bands=12, noise_bands=8,
    phase_bands=4,
)  # fmt: skip


def tiny_encoder(seed=0):
    torch.manual_seed(seed)
    return SpeakerEncoder(TINY).eval()


def speech(seconds, seed=0):
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((1, round(seconds * 24_000)))).astype(np.float32)


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "reference.onnx"
    export_reference(tiny_encoder(), path)
    return path


@pytest.mark.parametrize("samples", [72_000, 100_007, 240_000])
def test_the_graph_equals_torch(graph, samples):
    audio = speech(samples / 24_000)
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    (ge,) = session.run(["ge"], {"audio": audio})
    mel = SpeechMel(TINY)(torch.from_numpy(audio[:, : samples // 480 * 480]))
    with torch.no_grad():
        expected = tiny_encoder()(mel).numpy()
    np.testing.assert_allclose(ge, expected, atol=1e-3)
    assert np.linalg.norm(ge) == pytest.approx(np.sqrt(8), rel=1e-3)


def test_the_golden_repeats_and_is_small(graph, tmp_path):
    golden = golden_reference(graph)
    np.savez_compressed(tmp_path / "golden.npz", **golden)
    assert (tmp_path / "golden.npz").stat().st_size < 100_000
    np.testing.assert_array_equal(golden_reference(graph)["out_ge"], golden["out_ge"])


def test_the_level_of_a_recording_does_not_matter():
    mel = SpeechMel(TINY)(torch.from_numpy(speech(3)))
    encoder = tiny_encoder()
    with torch.no_grad():
        torch.testing.assert_close(encoder(mel), encoder(mel * 20), atol=1e-4, rtol=1e-4)


def test_pauses_are_not_listened_to():
    mel = SpeechMel(TINY)(torch.from_numpy(np.pad(speech(2), ((0, 0), (0, 24_000)))))
    _, active = levelled(mel)
    assert active[0, :195].all()
    assert not active[0, 205:].any()


def test_statistics_keep_voiced_and_unvoiced_sound_apart():
    mel = torch.ones(1, 100, 80)
    mel[:, 50:, 40:] = 2.0
    voiced = (torch.arange(100) < 50).float()[None]
    found = statistics(mel, voiced, torch.full((1, 100), 5.0))
    step = found.spectrum[0, :, 60] - found.spectrum[0, :, 10]
    assert step[0] == pytest.approx(0, abs=1e-4)
    assert step[2] == pytest.approx(np.log(2), abs=1e-2)
    assert found.log_f0[0] == pytest.approx(5.0)


def test_what_is_kept_out_depends_on_the_name_alone():
    out = [n for n in range(400) if heldout("ls251", f"ls{n}")]
    assert 25 < len(out) < 75
    assert out == [n for n in reversed(range(400)) if heldout("ls251", f"ls{n}")][::-1]


def test_drafts_survive_the_disk(tmp_path):
    rng = np.random.default_rng(0)
    drafts = [Draft(rng.integers(0, 9, n), rng.integers(0, 3, n), rng.integers(0, 5, n // 2)) for n in (4, 9)]
    save_drafts(drafts, tmp_path / "drafts.npz")
    for before, after in zip(drafts, load_drafts(tmp_path / "drafts.npz"), strict=True):
        np.testing.assert_array_equal(before.codes, after.codes)
        np.testing.assert_array_equal(before.align, after.align)
        np.testing.assert_array_equal(before.phones, after.phones)


def a_talker(known):
    """A random decoder that its condition moves a good deal."""
    torch.manual_seed(3)
    decoder = Decoder(DECODER)
    for name, weight in decoder.named_parameters():
        if "film" in name or "head.weight" in name:
            torch.nn.init.normal_(weight, std=0.2)
    torch.nn.init.constant_(decoder.vocoder.head.bias[1:2], 1.0)
    rng = np.random.default_rng(0)
    drafts = [
        Draft(rng.integers(0, 1024, 20), np.sort(rng.integers(0, 6, 20)), rng.integers(0, 12, 6)) for _ in range(12)
    ]
    return Talker(decoder.requires_grad_(False).eval(), drafts, known, crops=12, tokens=15)


def test_training_finds_the_voices_that_were_heard():
    rng = torch.Generator().manual_seed(0)
    known = F.layer_norm(torch.randn(3, 8, generator=rng), (8,))
    talker = a_talker(known)
    voices = F.layer_norm(torch.randn(10, 8, generator=rng), (8,))
    with torch.no_grad():
        mel, _ = talker(voices, np.arange(10))
    # F0 is told apart too: each is a little higher than the last.
    clips = [
        Clip(f"voice{i}", torch.log(m + 1e-5).half().numpy(), np.full(len(m), 140 + 5 * i, np.float16))
        for i, m in enumerate(mel)
    ]
    encoder = tiny_encoder().train()
    trainer = EncoderTrainer(encoder, talker, people(clips, {"voice0": voices[0]}), known)
    optimizer = torch.optim.Adam(encoder.parameters(), lr=5e-3)
    curve = []
    for _ in range(20):
        found = trainer.losses()
        total = torch.stack([v for k, v in found.items() if not k.startswith("_")]).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        curve.append(float(total.detach()))
    assert np.mean(curve[-5:]) < 0.9 * np.mean(curve[:5])


def test_magnitudes_are_what_was_stored():
    np.testing.assert_allclose(magnitudes(np.zeros((2, 3), np.float16)), np.ones((2, 3)))
