"""Recordings and teachers' speech, packed and read back."""

import numpy as np
import pytest
import soundfile

from build_engines.training.batches import CropSampler, Shelf, fill_f0, phone_class
from build_engines.training.corpus import HOP, SAMPLE_RATE, Corpus, load_audio, pack, read_recording, read_teacher
from build_engines.training.teacher import read_segments
from build_engines.training.texts import Text

PITCH_HZ = 150.0
SEGMENTS = "0.2 pau|0.3 hh|0.4 ax|0.5 l|0.7 ow|0.8 w|0.95 er|1.05 l|1.15 d|1.4 pau"


def hum(path, seconds, rate=16_000):
    """A voice-like hum: ten harmonics."""
    time = np.arange(round(seconds * rate)) / rate
    wave = sum(np.sin(2 * np.pi * PITCH_HZ * k * time) / k for k in range(1, 11))
    soundfile.write(path, 0.1 * wave, rate)


@pytest.fixture
def teacher(tmp_path):
    folder = tmp_path / "teacher"
    folder.mkdir()
    hum(folder / "hello.wav", 1.4)
    (folder / "hello.seg").write_text("\n".join(SEGMENTS.split("|")) + "\n")
    return folder


def test_a_recording(tmp_path):
    hum(tmp_path / "take.wav", 1.01)
    found = read_recording(tmp_path / "take.wav", "someone")
    assert (found.name, found.speaker, found.phones, found.bandwidth_hz) == ("take", "someone", (), 8_000)
    assert len(found.audio) == 100 * HOP  # whole tokens of 40 ms
    assert len(found.f0_hz) == len(found.align) == 100
    np.testing.assert_allclose(found.f0_hz[10:90], PITCH_HZ, atol=1)
    assert set(found.align) == {-1}


def test_loudness_is_common_and_peaks_are_not_clipped(tmp_path):
    hum(tmp_path / "take.wav", 1.0, SAMPLE_RATE)
    audio, bandwidth = load_audio(tmp_path / "take.wav")
    assert bandwidth == 12_000
    assert np.sqrt(np.mean(audio**2)) == pytest.approx(0.09, rel=0.02)
    time = np.arange(SAMPLE_RATE)
    soundfile.write(tmp_path / "clicks.wav", np.where(time % 2400 == 0, 0.5, 1e-3 * np.sin(time)), SAMPLE_RATE)
    assert np.abs(load_audio(tmp_path / "clicks.wav")[0]).max() <= 0.951


def test_a_teachers_utterance(teacher):
    found = read_teacher(Text("hello", "Hello world."), teacher, "slt")
    assert found.phones == ("HH", "AH0", "L", "OW1", "W", "ER1", "L", "D", ".")
    # Cut from 30 ms before the first phone to 200 ms after the last.
    assert len(found.audio) == round((1.15 + 0.20 - 0.17) / 0.04) * 960
    borders = np.flatnonzero(np.diff(found.align)) + 1
    np.testing.assert_allclose(borders, (np.array([0.3, 0.4, 0.5, 0.7, 0.8, 0.95, 1.05, 1.15]) - 0.17) * 100, atol=1)


@pytest.mark.parametrize(
    "text", [Text("hello", "Something quite different."), Text("hello", "Hello zxqv."), Text("absent", "Hello.")]
)
def test_text_and_speech_that_do_not_fit_are_left_out(teacher, text):
    assert read_teacher(text, teacher, "slt") is None


def test_packed_and_read_back(teacher, tmp_path):
    hum(tmp_path / "take.wav", 0.8)
    spoken = read_teacher(Text("hello", "Hello world."), teacher, "slt")
    plain = read_recording(tmp_path / "take.wav", "lj")
    pack([spoken, None, plain], tmp_path / "corpus")
    corpus = Corpus(tmp_path / "corpus")
    assert len(corpus) == 2
    for i, original in enumerate((spoken, plain)):
        found = corpus.utterance(i)
        for name in ("name", "speaker", "phones", "bandwidth_hz"):
            assert getattr(found, name) == getattr(original, name)
        assert found.audio.dtype == np.float32
        np.testing.assert_allclose(found.audio, original.audio, atol=1 / 32767)
        np.testing.assert_allclose(found.f0_hz, original.f0_hz, rtol=1e-3)
        np.testing.assert_array_equal(found.align, original.align)
    assert not list((tmp_path / "corpus").glob("*.part*"))


def test_crops(teacher, tmp_path):
    spoken = read_teacher(Text("hello", "Hello world."), teacher, "slt")
    hum(tmp_path / "take.wav", 0.4)
    pack([spoken], tmp_path / "slt")
    pack([read_recording(tmp_path / "take.wav", "lj")], tmp_path / "lj")
    shelf = Shelf([tmp_path / "slt", tmp_path / "lj"], [1.0, 1.0])
    assert shelf.speaker_names == ["lj", "slt"]
    assert shelf.probability.tolist() == [0.5, 0.5]
    crop = next(iter(CropSampler(shelf, batch=6, tokens=15, reference_tokens=10, seed=0)))
    assert crop.audio.shape == (6, 15 * 4 * HOP)
    assert crop.reference.shape == (6, 10 * 4 * HOP)
    assert crop.f0_hz.shape == crop.classes.shape == (6, 60)
    assert crop.f0_filled.shape == (6, 61)
    assert set(crop.speakers.tolist()) == {0, 1}
    for row, speaker in enumerate(crop.speakers.tolist()):
        known = crop.classes[row] >= 0
        assert bool(known.all()) if speaker else not bool(known.any())
        assert (crop.f0_filled[row] > 0).all()


def test_f0_is_filled_in_log():
    filled = fill_f0(np.array([0, 100, 0, 400, 0], np.float32))
    np.testing.assert_allclose(filled, [100, 100, 200, 400, 400], rtol=1e-5)
    assert fill_f0(np.zeros(3, np.float32)).tolist() == [120, 120, 120]


def test_phone_classes():
    assert phone_class("AH0") == phone_class("AH1") != phone_class("AA1")
    assert phone_class(",") == phone_class(".") == 0


def test_segments_of_both_teachers(tmp_path):
    path = tmp_path / "one.seg"
    path.write_text("0.2 pau\n0.3 hh\n")
    assert read_segments(path) == [("pau", 0.2), ("hh", 0.3)]
    path.write_text("#\n0.2 100 pau\n0.3 100 hh\n")
    assert read_segments(path) == [("pau", 0.2), ("hh", 0.3)]
