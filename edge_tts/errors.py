"""What can go wrong, in one tree.

    EdgeTTSError
    ├── BundleError            a bundle can't be trusted or read (missing file, wrong hash, wrong format version)
    │   └── VoiceNotFoundError no bundle goes by that name
    ├── SpeakerNotFoundError   the bundle has no such speaker
    ├── TextError              the text can't be spoken (empty, too long, not text)
    ├── ParameterError         speed, seed or another parameter is out of range
    ├── EngineError            the inference engine refused a graph
    │   ├── EngineLimitError   a call is beyond what an engine was built for; another engine can do it
    │   └── DeviceError        the GPU, its driver or its binding failed
    │       ├── DeviceMemoryError  it has no memory left
    │       └── DeviceLostError    its context is gone, and with it all that it held
    ├── SynthesisError         no attempt gave a sound utterance
    ├── DeadlineError          the time that was allowed has passed
    └── OutputError            the sound can't be written where it was asked for

Every message is one line that names the value and says what to do.
"""

__all__ = [
    "BundleError",
    "DeadlineError",
    "DeviceError",
    "DeviceLostError",
    "DeviceMemoryError",
    "EdgeTTSError",
    "EngineError",
    "EngineLimitError",
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


class EngineLimitError(EngineError):
    """A call is beyond what an engine was built for (a shape outside its profiles); another engine can do it."""


class DeviceError(EngineError):
    """The GPU, its driver or its binding failed."""


class DeviceMemoryError(DeviceError):
    """The GPU has no memory left."""


class DeviceLostError(DeviceError):
    """The GPU's context is gone, and with it all that it held."""


class SynthesisError(EdgeTTSError):
    """No attempt gave a sound utterance."""


class DeadlineError(EdgeTTSError):
    """The time that was allowed has passed; the sound so far is good."""


class OutputError(EdgeTTSError):
    """The sound can't be written where it was asked for."""
