"""The magnitude spectrogram of reference audio."""

import numpy as np
import pytest

from build_engines.enroll.spectrum import spectrum
from build_engines.errors import BuildError
from tests.build.models.sovits.golden import INPUTS, limit, load, manifest


def test_equals_the_recorded_spectrograms(reference):
    arrays, entries = load(reference, INPUTS), manifest(reference, INPUTS)
    outputs = {name for name, entry in entries.items() if "input" not in entry}
    assert outputs == {"refer_a", "refer_b"}
    for name in outputs:
        found = spectrum(arrays[name.replace("refer", "wav")][0])
        assert found.dtype == np.float32
        assert found.shape == arrays[name].shape
        assert np.abs(found - arrays[name]).max() <= limit(entries[name])


def test_a_sine_is_a_peak_of_half_the_window_sum():
    time = np.arange(32_000) / 32_000
    found = spectrum(np.sin(2 * np.pi * 1000 * time).astype(np.float32))[0]
    assert found.shape == (1025, 50)
    assert (found[:, 5:-5].argmax(axis=0) == 64).all()
    assert found[64, 25] == pytest.approx(512, rel=1e-3)


@pytest.mark.parametrize(("peak", "divisor"), [(0.9, 1.0), (1.5, 1.5), (3.0, 2.0)])
def test_what_goes_over_full_scale_is_turned_down(peak, divisor):
    audio = np.random.default_rng(0).uniform(-1, 1, 6400)
    audio /= np.abs(audio).max()
    assert spectrum(peak * audio) == pytest.approx(peak / divisor * spectrum(audio), rel=1e-5)


@pytest.mark.parametrize("audio", [np.zeros(704, np.float32), np.zeros((2, 6400), np.float32)])
def test_audio_without_a_spectrogram_is_refused(audio):
    with pytest.raises(BuildError, match="more than 704 samples, mono"):
        spectrum(audio)
