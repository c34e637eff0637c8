"""Will a recording do? Each figure against its limits, with what to do about it. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from build_engines.enroll.errors import RefusedError
from build_engines.enroll.measures import Measures

__all__ = ["Finding", "Level", "judge", "judge_text", "raise_refused"]

SAMPLES_16K = (48_000, 160_000)
"""What GPT-SoVITS takes as a reference, counted at 16 kHz: 3 to 10 seconds."""

_FURTHER_SECONDS = (1.0, 30.0)
_SNR_DB = (15.0, 30.0)
_CLIPPED_SHARE = (0.01, 0.0001)
_SPEECH_SECONDS = (1.0, 2.0)
_SILENT_END_SECONDS = 1.0
_RATES_HZ = (8_000, 16_000)
_BANDWIDTH_HZ = 7_000.0
_LEVEL_DB = -42.0
_OFFSET = 0.01
_CANCELLED_DB = 6.0
_PHONES_PER_SECOND = (4.0, 26.0)
_LOSSY_OR_COARSE = 12


class Level(Enum):
    """How grave a finding is."""

    FINE = "fine"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Finding:
    """One property: `figure` is its value with unit, `advice` what to do (empty where it is fine)."""

    level: Level
    what: str
    figure: str
    advice: str = ""


def judge(m: Measures, *, prompt: bool = True) -> tuple[Finding, ...]:
    """All findings on a recording, always the same properties in the same order.

    `prompt`: it is the reference that is spoken on from. Further references give their timbre only, and GPT-SoVITS
    does not limit their length to 3..10 s.
    """
    return (
        _length(m) if prompt else _further_length(m),
        _rate(m),
        _bandwidth(m),
        _format(m),
        _clipping(m),
        _peak(m),
        _speech(m),
        _snr(m),
        _ends(m),
        _level(m),
        _offset(m),
        _channels(m),
    )


def raise_refused(where: object, findings: Iterable[Finding]) -> None:
    """Raises RefusedError with the worst of what was found wrong, if anything forbids to go on."""
    wrong = [finding for finding in findings if finding.level is Level.REFUSE]
    if wrong:
        rest = f" (also wrong: {', '.join(finding.what for finding in wrong[1:])})" if wrong[1:] else ""
        raise RefusedError(f"{where}: {wrong[0].what} {wrong[0].figure}: {wrong[0].advice}{rest}")


def judge_text(phones: Sequence[str], pauses: frozenset[str], speech_seconds: float) -> Finding:
    """Can these phones have been spoken in that time? Other words than those in the recording spoil the voice."""
    spoken = sum(phone not in pauses for phone in phones)
    pace = spoken / max(speech_seconds, 0.01)
    figure = f"{pace:.1f} phones per second of speech"
    low, high = _PHONES_PER_SECOND
    if low <= pace <= high:
        return Finding(Level.FINE, "text", figure)
    much = "little" if pace < low else "much"
    advice = f"too {much} text for {speech_seconds:.1f} s of speech: give exactly the words that are said"
    return Finding(Level.WARN, "text", figure, advice)


def _length(m: Measures) -> Finding:
    shortest, longest = SAMPLES_16K
    figure = f"{m.seconds:.2f} s"
    if m.samples_16k < shortest:
        return Finding(Level.REFUSE, "length", figure, "give a reference of 3 to 10 s; this one is too short")
    if m.samples_16k > longest:
        return Finding(Level.REFUSE, "length", figure, "give a reference of 3 to 10 s; cut out one clear sentence")
    return Finding(Level.FINE, "length", figure)


def _further_length(m: Measures) -> Finding:
    shortest, longest = _FURTHER_SECONDS
    if not shortest <= m.seconds <= longest:
        advice = f"give further references of {shortest:g} to {longest:g} s"
        return Finding(Level.REFUSE, "length", f"{m.seconds:.2f} s", advice)
    return Finding(Level.FINE, "length", f"{m.seconds:.2f} s")


def _rate(m: Measures) -> Finding:
    rate = m.recording.rate
    lowest, wanted = _RATES_HZ
    if rate < lowest:
        return Finding(Level.REFUSE, "sample rate", f"{rate} Hz", "record at 16000 Hz or more, best at 48000 Hz")
    if rate < wanted:
        return Finding(Level.WARN, "sample rate", f"{rate} Hz", "the voice will sound dull: record at 16000 Hz or more")
    return Finding(Level.FINE, "sample rate", f"{rate} Hz")


def _bandwidth(m: Measures) -> Finding:
    figure = f"{m.bandwidth_hz:.0f} Hz"
    if m.bandwidth_hz >= _BANDWIDTH_HZ or m.recording.rate < _RATES_HZ[1]:  # a low rate has been named already
        return Finding(Level.FINE, "bandwidth", figure)
    advice = "there is nothing above: converted from a lower rate or a telephone; find the original recording"
    return Finding(Level.WARN, "bandwidth", figure, advice)


def _format(m: Measures) -> Finding:
    bits, kind = m.recording.bits, m.recording.kind
    if m.recording.not_finite:
        advice = f"{m.recording.not_finite} samples are infinite or not a number: export it again as 16 or 24 bit WAV"
        return Finding(Level.REFUSE, "format", kind, advice)
    if bits is not None and bits < _LOSSY_OR_COARSE:
        return Finding(Level.WARN, "format", kind, f"{bits} bits hiss: record with 16 bits or more")
    if any(codec in kind for codec in ("ULAW", "ALAW", "ADPCM", "GSM", "G72", "NMS", "VOX")):
        return Finding(Level.WARN, "format", kind, "a telephone's codec: record 16 bit WAV or FLAC")
    return Finding(Level.FINE, "format", kind)


def _clipping(m: Measures) -> Finding:
    clipping = m.clipping
    figure = f"{clipping.share:.3%} of the samples, {clipping.longest} in a row at most"
    refused, warned = _CLIPPED_SHARE
    if clipping.share > refused:
        return Finding(Level.REFUSE, "clipping", figure, "it is distorted: record again with less gain, peaks at -6 dB")
    if clipping.share > warned:
        return Finding(Level.WARN, "clipping", figure, "peaks are cut off: record with less gain, peaks at -6 dB")
    return Finding(Level.FINE, "clipping", figure)


def _peak(m: Measures) -> Finding:
    figure = f"{m.peak:.3f} of full scale"
    if m.peak > 1:
        return Finding(Level.WARN, "peak", figure, "beyond full scale: divide the recording by its peak")
    return Finding(Level.FINE, "peak", figure)


def _speech(m: Measures) -> Finding:
    seconds = m.speech_seconds
    figure = f"{seconds:.1f} s of speech"
    refused, warned = _SPEECH_SECONDS
    if seconds < refused:
        advice = "nearly all is silence, or an even noise: record 3 to 10 s of speech close to the microphone"
        return Finding(Level.REFUSE, "speech", figure, advice)
    if seconds < warned:
        return Finding(Level.WARN, "speech", figure, "little to learn a voice from: speak for 3 s or more")
    return Finding(Level.FINE, "speech", figure)


def _snr(m: Measures) -> Finding:
    if m.noise is None:
        return Finding(Level.REFUSE, "signal-to-noise ratio", "none", "nobody speaks: check the microphone")
    least = "" if m.noise.from_pauses else "at least "
    figure = f"{least}{m.noise.snr_db:.1f} dB"
    refused, warned = _SNR_DB
    pause = "" if m.noise.from_pauses else " (no quiet pause tells the noise: leave half a second at both ends)"
    if m.noise.snr_db < refused:
        advice = f"under {refused:g} dB the noise becomes part of the voice: record closer, in a quiet room{pause}"
        return Finding(Level.REFUSE, "signal-to-noise ratio", figure, advice)
    if m.noise.snr_db < warned:
        advice = f"{warned:g} dB or more is recommended: record closer, in a quiet room{pause}"
        return Finding(Level.WARN, "signal-to-noise ratio", figure, advice)
    return Finding(Level.FINE, "signal-to-noise ratio", figure)


def _ends(m: Measures) -> Finding:
    figure = f"{m.leading_seconds:.2f} s before, {m.trailing_seconds:.2f} s after"
    if max(m.leading_seconds, m.trailing_seconds) > _SILENT_END_SECONDS:
        return Finding(Level.WARN, "silence", figure, f"cut it to under {_SILENT_END_SECONDS:g} s on both sides")
    return Finding(Level.FINE, "silence", figure)


def _level(m: Measures) -> Finding:
    if m.noise is None:
        return Finding(Level.FINE, "level", "no speech")
    figure = f"{m.noise.speech_db:.1f} dB while speaking"
    if m.noise.speech_db < _LEVEL_DB:
        return Finding(Level.WARN, "level", figure, "very quiet: record closer or with more gain, about -20 dB")
    return Finding(Level.FINE, "level", figure)


def _offset(m: Measures) -> Finding:
    figure = f"{m.offset:+.4f} of full scale"
    if abs(m.offset) > _OFFSET:
        return Finding(Level.WARN, "offset", figure, "a constant voltage lies on the signal: use another sound card")
    return Finding(Level.FINE, "offset", figure)


def _channels(m: Measures) -> Finding:
    figure = f"{m.recording.channels}"
    if m.recording.channels > 1 and m.cancelled_db > _CANCELLED_DB:
        advice = f"their mean is {m.cancelled_db:.0f} dB weaker than they are, so they cancel out: give one channel"
        return Finding(Level.WARN, "channels", figure, advice)
    return Finding(Level.FINE, "channels", figure)
