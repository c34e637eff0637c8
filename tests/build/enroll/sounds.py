"""Sounds for the tests: something that behaves like speech, and files of it."""

from pathlib import Path

import numpy as np
import soundfile


def speech(seconds=4.0, rate=24_000, seed=0, level_db=-20.0, pauses=((0.0, 0.06), (0.45, 0.52), (0.94, 1.0))):
    """Syllables of voiced sound and hiss with silence at `pauses` (shares of the time), float32 [N]."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate)
    time = np.arange(count) / rate
    pitch = np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * time)) / rate
    voiced = sum(np.sin(2 * np.pi * k * pitch) / k for k in range(1, 30) if k * 150 < rate / 2)
    hiss = np.diff(random.standard_normal(count + 1)) * 0.3
    syllable = 0.35 + 0.65 * np.sin(2 * np.pi * 2.1 * time) ** 2
    hissing = np.sin(2 * np.pi * 1.3 * time + 1) > 0.8
    sound = np.where(hissing, hiss, voiced) * syllable
    active = np.ones(count, bool)
    for begin, end in pauses:
        active[round(begin * count) : round(end * count)] = False
    sound = np.where(active, sound, 0.0)
    gain = 10 ** (level_db / 20) / np.sqrt(np.mean(sound[active] ** 2))
    return (sound * gain).astype(np.float32)


def noise(like, snr_db, active_db=-20.0, seed=1):
    """White noise as long as `like`, `snr_db` below speech of `active_db`."""
    random = np.random.default_rng(seed)
    return (random.standard_normal(len(like)) * 10 ** ((active_db - snr_db) / 20)).astype(np.float32)


def clean(seconds=4.0, rate=24_000, seed=0, snr_db=45.0):
    """Speech with the noise of a good room."""
    sound = speech(seconds, rate, seed)
    return sound + noise(sound, snr_db, seed=seed + 1)


def write(path: Path, samples, rate=24_000, subtype="PCM_16") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path
