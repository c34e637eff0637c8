import json

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread

from build_engines.evaluate.pictures import decibels, draw_curves, draw_spectrograms, read_curve


def tone(path, rate, hertz=1_000.0, seconds=0.3):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate), rate)


@pytest.fixture
def recordings(tmp_path):
    for name in ("own-00", "own-01", "own-02"):
        tone(tmp_path / "evaluation" / "rms" / f"{name}.wav", 16_000)
        tone(tmp_path / "evaluation" / "slt" / f"{name}.wav", 24_000)
        for speaker in ("ada", "bob"):
            for seed in (1, 2):
                tone(tmp_path / "wav" / speaker / f"{name}-{seed}.wav", 24_000, 3_000.0)
    return tmp_path


def rows(path, items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items))


def test_a_tone_is_at_its_frequency():
    level = decibels(np.sin(2 * np.pi * 3_000 * np.arange(24_000) / 24_000).astype(np.float32), 24_000)
    assert level.dtype == np.float32
    assert level.max() == pytest.approx(0, abs=1e-6)
    assert level.min() == -80
    assert level[:, level.shape[1] // 2].argmax() == 3_000 // 50  # 20 ms windows: bins of 50 Hz
    assert (decibels(np.zeros(2_400, np.float32), 24_000) == -80).all()


def test_spectrograms(recordings):
    target = recordings / "report" / "spectrograms.png"
    draw_spectrograms(recordings / "evaluation", recordings / "wav", ["ada", "bob"], target)
    image = imread(target)
    assert image.shape[1] > image.shape[0] > 300
    assert image[..., :3].std() > 0.1, "a blank picture"


def test_without_common_sentences_nothing_is_drawn(recordings):
    target = recordings / "spectrograms.png"
    draw_spectrograms(recordings / "evaluation", recordings / "wav", ["ada", "nobody"], target)
    assert not target.exists()


def test_curves(tmp_path):
    steps = range(1, 9)
    rows(tmp_path / "gpt.jsonl", [{"step": i, "seconds": 30 * i, "token": 6 / i, "_pointed": 1 - 1 / i} for i in steps])
    for stem in ("decoder", "decoder_adversarial"):
        rows(tmp_path / f"{stem}.jsonl", [{"step": i, "seconds": 60 * i, "spectrum": 2 / i} for i in steps])
    draw_curves(tmp_path, tmp_path / "curves.png")
    assert imread(tmp_path / "curves.png")[..., :3].std() > 0.05


def test_no_curves_no_picture(tmp_path):
    draw_curves(tmp_path, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


def test_steps_that_a_resumed_run_repeats_count_once(tmp_path):
    path = tmp_path / "gpt.jsonl"
    written = ((50, 1, 5), (100, 2, 4), (50, 1, 6), (100, 3, 3))
    rows(path, [{"step": step, "seconds": 60 * minute, "token": value} for step, minute, value in written])
    assert read_curve(path, "token") == ([1, 3], [6, 3])
    assert read_curve(path, "unknown") == ([], [])
    assert read_curve(tmp_path / "none.jsonl", "token") == ([], [])
