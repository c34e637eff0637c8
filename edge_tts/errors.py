"""What can go wrong, in one tree.

    EdgeTTSError
    ├── BundleError            a bundle can't be trusted or read (missing file, wrong hash, wrong format version)
    │   └── VoiceNotFoundError no bundle goes by that name
    ├── SpeakerNotFoundError   the bundle has no such speaker
    ├── TextError              the text can't be spoken (empty, too long, not text)
    ├── ParameterError         speed, seed or another parameter is out of range
    ├── EngineError            the inference engine refused a graph
    ├── SynthesisError         no attempt gave a sound utterance
    └── OutputError            the sound can't be written where it was asked for

Every message is one line that names the value and says what to do.
"""

__all__ = [
    "BundleError",
    "EdgeTTSError",
    "EngineError",
    "OutputError",
    "ParameterError",
    "SpeakerNotFoundError",
    "SynthesisError",
    "TextError",
    "VoiceNotFoundError",
]


class EdgeTTSError(Exception):
    """Root of all errors that edge_tts raises on purpose."""


class BundleError(EdgeTTSError):
    """The bundle can't be trusted or read."""


class VoiceNotFoundError(BundleError):
    """No bundle goes by that name."""


class SpeakerNotFoundError(EdgeTTSError):
    """The bundle has no such speaker."""


class TextError(EdgeTTSError):
    """The text can't be spoken."""


class ParameterError(EdgeTTSError):
    """A parameter is out of range."""


class EngineError(EdgeTTSError):
    """The inference engine refused a graph or an input."""


class SynthesisError(EdgeTTSError):
    """No attempt gave a sound utterance."""


class OutputError(EdgeTTSError):
    """The sound can't be written where it was asked for."""
