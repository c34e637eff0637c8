"""Recordings and a text → speaker tokens, as GPT-SoVITS prepares a reference (TTS_infer_pack/TTS.py), computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from build_engines.enroll.audio import Recording
from build_engines.enroll.graphs import EnrolmentGraphs
from build_engines.enroll.resample import resample, sinc_resample
from build_engines.enroll.spectrum import spectrum
from edge_tts.bundle import Manifest, SpeakerTokens
from edge_tts.engines.api import Array
from edge_tts.text import Sentence
from edge_tts.text.symbols import phone_ids

__all__ = ["Listener", "genuine_tokens", "nearest_speaker", "own_embedding", "own_tokens", "prompt_audio"]

Listener = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Mono audio [N] at 16 kHz → what a network hears in it: HuBERT's features [1, 768, T], or a speaker vector [20480]."""

_RATE_HZ = 16_000
_SILENT_SAMPLES = 9_600


def prompt_audio(recording: Recording) -> NDArray[np.float32]:
    """The recording at 16 kHz, and then silence: GPT-SoVITS counts 0.3 s at 32 kHz, which here are 0.6 s."""
    return np.pad(resample(recording.mono, recording.rate, _RATE_HZ), (0, _SILENT_SAMPLES))


def genuine_tokens(
    graphs: EnrolmentGraphs,
    manifest: Manifest,
    recordings: Sequence[Recording],
    sentences: Sequence[Sentence],
    hubert: Listener,
    verifier: Listener | None,
) -> SpeakerTokens:
    """Tokens for a voice imported from GPT-SoVITS.

    The first recording is the prompt and says `sentences`; further ones lend their timbre only: the embeddings of all
    are averaged. `verifier` makes speaker vectors for the voices that need them (v2Pro). Raises EngineError.
    """
    codes = graphs.codes(hubert(prompt_audio(recordings[0])))
    references = [_reference(recording, manifest.sample_rate, verifier) for recording in recordings]
    ge: NDArray[np.float32] = np.stack(graphs.embeddings(references)).mean(0)
    latents, vocoder = graphs.conditions(ge)
    phones = [phone for sentence in sentences for phone in sentence.phones]
    return SpeakerTokens(
        prompt_semantic=codes,
        prompt_phones=np.array(phone_ids(phones, manifest.symbols), np.int64),
        prompt_features=_text_features(graphs, manifest.gpt.feature_dim, sentences),
        features=np.zeros(manifest.gpt.feature_dim, np.float32),
        ge=ge,
        latents_condition=latents,
        vocoder_condition=vocoder,
    )


def own_embedding(graphs: EnrolmentGraphs, manifest: Manifest, recordings: Sequence[Recording]) -> NDArray[np.float32]:
    """ge [G] by the voice's own encoder: the mean over the recordings, at the length that a single one has."""
    audios = [resample(recording.mono, recording.rate, manifest.sample_rate) for recording in recordings]
    found = np.stack(graphs.embeddings([{"audio": audio[None]} for audio in audios]))
    mean = found.mean(0)
    length = np.linalg.norm(found, axis=1).mean() / max(float(np.linalg.norm(mean)), 1e-6)
    ge: NDArray[np.float32] = (mean * length).astype(np.float32)
    return ge


def nearest_speaker(ge: NDArray[np.float32], speakers: Mapping[str, SpeakerTokens]) -> tuple[str, float]:
    """Whose embedding points most nearly the same way, and the cosine between the two."""

    def cosine(other: NDArray[np.float32]) -> float:
        return float(ge @ other / max(float(np.linalg.norm(ge) * np.linalg.norm(other)), 1e-12))

    return max(((name, cosine(tokens.ge)) for name, tokens in speakers.items()), key=lambda pair: pair[1])


def own_tokens(graphs: EnrolmentGraphs, ge: NDArray[np.float32], like: SpeakerTokens) -> SpeakerTokens:
    """Tokens for a voice with an encoder of its own: the embedding is the timbre, the prosody is that of `like`."""
    latents, vocoder = graphs.conditions(ge)
    return SpeakerTokens(
        prompt_semantic=np.zeros(0, np.int64),
        prompt_phones=np.zeros(0, np.int64),
        prompt_features=np.zeros((0, len(like.features)), np.float32),
        features=like.features,
        ge=ge,
        latents_condition=latents,
        vocoder_condition=vocoder,
    )


def _reference(recording: Recording, rate: int, verifier: Listener | None) -> dict[str, Array]:
    audio = sinc_resample(recording.mono, recording.rate, rate)
    feeds: dict[str, Array] = {"spectrum": spectrum(audio)}
    if verifier is not None:
        # `spectrum` does the same to what goes over full scale.
        heard = audio / np.clip(np.abs(audio).max(), 1, 2)
        feeds["speaker_vector"] = verifier(sinc_resample(heard, rate, _RATE_HZ))[None]
    return feeds


def _text_features(graphs: EnrolmentGraphs, width: int, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
    """[phones, F]: the text features of the languages that have some, zeros for the others."""
    segments = [segment for sentence in sentences for segment in sentence.segments]
    models = {language: graphs.text_features(language) for language in {segment.language for segment in segments}}
    rows = [np.zeros((0, width), np.float32)]
    for segment in segments:
        model = models[segment.language]
        if model is None:
            rows.append(np.zeros((len(segment.phones), width), np.float32))
        else:
            rows.append(model.features(segment.text, segment.word_to_phone))
    return np.concatenate(rows)
