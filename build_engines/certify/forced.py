"""Both voices on the same tokens, which the float one draws: what quantization does to logits, latents and sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from build_engines.certify import signals
from build_engines.certify.listeners import Listener
from build_engines.certify.rows import Example, ForcedRow
from build_engines.certify.signals import UnjudgedError
from build_engines.errors import BuildError
from build_engines.forced import ForcedVoice
from edge_tts.gpt.guard import limits_for

__all__ = ["compare"]

Job = tuple[str, str]
"""(speaker, text)."""


def compare(
    before: ForcedVoice, after: ForcedVoice, jobs: Sequence[Job], listeners: Sequence[Listener]
) -> Iterator[Example]:
    """One example per job, of the first sentence of its text. Raises TextError, EngineError, BuildError.

    Job number i hears the noise of sentence i, in both voices.
    """
    for index, (speaker, text) in enumerate(jobs):
        yield _compare(before, after, index, speaker, text, listeners)


def _compare(
    before: ForcedVoice, after: ForcedVoice, index: int, speaker: str, text: str, listeners: Sequence[Listener]
) -> Example:
    rate = before.manifest.sample_rate
    utterance = before.read(text, speaker)[0]
    prompt = len(before.bundle.speaker(speaker).prompt_phones)
    most = limits_for(utterance.pauses, before.manifest.token_rate_hz, prompt).total
    drawn = before.draw(utterance, speaker, index, most)
    if not drawn.tokens:
        raise BuildError(f"the float voice has nothing to say to {text[:40]!r}: its speaker {speaker!r} is of no use")
    expected, expected_after = (voice.logits(utterance, speaker, drawn) for voice in (before, after))
    z, z_after = (voice.latents(utterance, speaker, drawn, index) for voice in (before, after))
    sound, sound_after = before.sound(z, speaker, index), after.sound(z_after, speaker, index)
    kl = signals.kl_divergence(expected, expected_after)
    figures = {
        "token_agreement": float(signals.agreement(expected, expected_after).mean()),
        "kl_nats": float(kl.mean()),
        "logits_snr_db": signals.snr_db(expected, expected_after),
        "latents_snr_db": signals.snr_db(z, z_after),
        "duration_ratio": len(sound_after) / max(1, len(sound)),
        "lsd_db": signals.log_spectral_distance(sound, sound_after, rate),
    }
    judged, unjudged = _judged(sound, sound_after, rate, listeners)
    row = ForcedRow(speaker, text, len(drawn.tokens), figures | judged, unjudged, kl)
    return Example(row, sound, sound_after, rate)


def _judged(
    sound: NDArray[np.float32], other: NDArray[np.float32], rate: int, listeners: Sequence[Listener]
) -> tuple[dict[str, float], dict[str, str]]:
    """What the judges of sound say, and why some can't."""
    judges: dict[str, Callable[[NDArray[np.float32], NDArray[np.float32], int], float]] = {
        "pesq": signals.pesq_score,
        "stoi": signals.stoi_score,
        "loudness_lu": lambda a, b, r: abs(signals.loudness_difference(a, b, r)),
        **{listener.key: listener.cosine for listener in listeners},
    }
    found: dict[str, float] = {}
    unjudged: dict[str, str] = {}
    for key, judge in judges.items():
        try:
            found[key] = judge(sound, other, rate)
        except UnjudgedError as error:
            unjudged[key] = str(error)
    return found, unjudged
