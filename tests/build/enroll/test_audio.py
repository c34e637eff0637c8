"""Recordings are read whatever libsndfile can read, and refused with a line that says what to do."""

import hashlib

import numpy as np
import pytest
import soundfile

from build_engines.enroll import audio
from build_engines.enroll.audio import read_recording
from build_engines.enroll.errors import RefusedError
from tests.build.enroll.sounds import clean, write


@pytest.mark.parametrize(
    ("name", "subtype", "bits", "close"),
    [
        ("a.wav", "PCM_16", 16, 1e-4),
        ("a.wav", "PCM_24", 24, 1e-6),
        ("a.wav", "PCM_U8", 8, 1e-2),
        ("a.wav", "FLOAT", 32, 1e-8),
        ("a.flac", "PCM_16", 16, 1e-4),
        ("a.ogg", "VORBIS", None, None),
        ("a.aiff", "PCM_16", 16, 1e-4),
    ],
)
def test_formats(tmp_path, name, subtype, bits, close):
    sound = clean(1.0)
    path = write(tmp_path / name, sound, subtype=subtype)
    found = read_recording(path)
    assert (found.rate, found.channels, found.bits) == (24_000, 1, bits)
    assert subtype in found.kind
    assert found.seconds == pytest.approx(1.0, abs=1e-3)
    assert found.mono.dtype == np.float32
    if close is not None:
        assert np.abs(found.mono - sound).max() < close
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_channels_are_averaged(tmp_path):
    sound = clean(1.0)
    found = read_recording(write(tmp_path / "a.wav", np.stack([sound, np.zeros_like(sound)], 1), subtype="FLOAT"))
    assert found.channels == 2
    assert np.allclose(found.mono, sound / 2)
    assert found.channels_power == pytest.approx(float(np.mean(sound**2)) / 2, rel=1e-4)


def test_what_is_no_number(tmp_path):
    sound = clean(1.0)
    sound[[10, 20, 30]] = np.nan, np.inf, -np.inf
    found = read_recording(write(tmp_path / "a.wav", sound, subtype="FLOAT"))
    assert found.not_finite == 3
    assert np.isfinite(found.mono).all()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no such file"),
        (b"", "can't be read as audio"),
        (b"<html>not found</html>", "can't be read as audio"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "can't be read as audio"),
        (b"ID3\x03\x00\x00\x00\x00\x00\x00" + bytes(64), "ffmpeg"),
    ],
)
def test_what_is_no_recording(tmp_path, content, says):
    path = tmp_path / "ref.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RefusedError, match=says) as caught:
        read_recording(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_folder_is_no_recording(tmp_path):
    with pytest.raises(RefusedError, match="no such file"):
        read_recording(tmp_path)


def test_no_samples(tmp_path):
    with pytest.raises(RefusedError, match="no samples"):
        read_recording(write(tmp_path / "a.wav", np.zeros(0, np.float32)))


def test_hours_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "MAX_SECONDS", 2)
    found = read_recording(write(tmp_path / "a.wav", clean(5.0)))
    assert len(found.mono) == 2 * 24_000
    assert found.seconds == 5.0


def test_many_channels_are_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(audio, "_MAX_SAMPLES", 8_000)
    found = read_recording(write(tmp_path / "a.wav", np.zeros((4_000, 4), np.float32)))
    assert len(found.mono) == 2_000
    assert found.frames == 4_000


def test_a_rate_that_no_speech_has(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 500)
    with pytest.raises(RefusedError, match="500 Hz"):
        read_recording(tmp_path / "a.wav")
