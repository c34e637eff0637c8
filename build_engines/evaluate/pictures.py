"""Pictures of a voice: spectrograms beside its teacher's, and the curves of its training. Drawn into PNG files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = ["decibels", "draw_curves", "draw_spectrograms", "read_curve"]

_TOP_HZ = 12_000
_RANGE_DB = 80.0
_SENTENCES = 2
_WINDOW_SECONDS = 0.02
# Per picture: its title, and the curves in it as (file's stem, key, label).
_CURVES: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "token loss (nats)": (("gpt", "token", "GPT"),),
    "pointer accuracy": (("gpt", "_pointed", "GPT"),),
    "spectrum loss": (("decoder", "spectrum", "decoder"), ("decoder_adversarial", "spectrum", "with discriminators")),
    "phone accuracy": (("tokenizer", "_right", "from tokens"), ("tokenizer", "_right_hidden", "from the encoder")),
}


def decibels(audio: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Log power spectrogram, float32 [bins, frames]: 0 dB is the utterance's loudest bin, the range is 80 dB."""
    size = 2 * round(rate * _WINDOW_SECONDS / 2)
    padded = np.pad(audio, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 4]
    power = np.abs(np.fft.rfft(frames * np.hanning(size))).T ** 2
    level: NDArray[np.float64] = 10 * np.log10(power / max(float(power.max()), 1e-12) + 1e-12)
    return np.maximum(level, -_RANGE_DB).astype(np.float32)


def draw_spectrograms(references: Path, made: Path, speakers: Sequence[str], target: Path) -> None:
    """For up to two sentences: a reference above, every speaker below, all on one scale of time, pitch and colour.

    ``references/<who>/<sentence>.wav`` are teachers or real recordings, ``made/<speaker>/<sentence>-<seed>.wav`` is
    what the voice said. Only sentences that all have said are drawn; without any, nothing is.
    """
    columns: list[list[Path]] = []
    for reference in sorted(references.glob("*/*.wav"), key=lambda path: (path.stem, path.parent.name)):
        spoken = [next(iter(sorted((made / name).glob(f"{reference.stem}-*.wav"))), None) for name in speakers]
        if reference.stem not in {column[0].stem for column in columns} and None not in spoken:
            columns.append([reference, *(path for path in spoken if path is not None)])
        if len(columns) == _SENTENCES:
            break
    if not columns:
        return
    rows = len(speakers) + 1
    figure = Figure(figsize=(7 * len(columns), 2.2 * rows), layout="constrained")
    axes = figure.subplots(rows, len(columns), squeeze=False, sharex="col", sharey=True)
    image = None
    for i, column in enumerate(columns):
        for j, path in enumerate(column):
            who = f"{path.parent.name} (reference)" if j == 0 else path.parent.name
            image = _spectrogram(axes[j, i], path, f"{who}: {column[0].stem}")
        axes[-1, i].set_xlabel("seconds")
        axes[-1, i].set_xlim(0, max(soundfile.info(path).duration for path in column))
    for axis in axes[:, 0]:
        axis.set_ylabel("kHz")
    if image is not None:
        figure.colorbar(image, ax=axes, label="dB")
    _save(figure, target)


def _spectrogram(axis: Axes, path: Path, title: str) -> Any:
    audio, rate = soundfile.read(path, dtype="float32")
    extent = (0.0, len(audio) / rate, 0.0, rate / 2000)
    axis.set_facecolor("black")  # above a narrow-band recording's Nyquist frequency
    image = axis.imshow(
        decibels(audio, rate), origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-_RANGE_DB, vmax=0
    )
    axis.set_ylim(0, _TOP_HZ / 1000)
    axis.set_title(title, fontsize=9)
    return image


def read_curve(path: Path, key: str) -> tuple[list[float], list[float]]:
    """Minutes and values of one key out of a training stage's ``.jsonl``; empty where there is no such file.

    A stage that was killed and resumed repeats the steps since its last checkpoint: the later rows count.
    """
    rows: list[dict[str, float]] = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            while rows and rows[-1]["step"] >= row["step"]:
                rows.pop()
            rows.append(row)
    found = [row for row in rows if key in row]
    return [row["seconds"] / 60 for row in found], [row[key] for row in found]


def draw_curves(folder: Path, target: Path) -> None:
    """Training curves over minutes out of ``folder/*.jsonl``; without any, nothing is drawn."""
    if not any(folder.glob("*.jsonl")):
        return
    figure = Figure(figsize=(11, 7), layout="constrained")
    for axis, (title, curves) in zip(figure.subplots(2, 2).flat, _CURVES.items(), strict=True):
        after = 0.0
        for stem, key, label in curves:
            minutes, values = read_curve(folder / f"{stem}.jsonl", key)
            if not minutes:
                continue
            # A second phase begins when the first is over; two keys of one stage share their time.
            start = after if stem != curves[0][0] else 0.0
            axis.plot([start + m for m in minutes], values, label=label)
            after = max(after, start + minutes[-1])
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("minutes")
        axis.grid(alpha=0.3)
        if len(curves) > 1 and axis.lines:
            axis.legend(fontsize=8)
    _save(figure, target)


def _save(figure: Figure, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(target)
