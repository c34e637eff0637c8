"""The runtime: a bundle and a text come in, a stream of `AudioChunk` goes out.

May import numpy, onnxruntime and safetensors; never torch, never the network, never MQTT. The public names are loaded
on first use, so that `import edge_tts.text` does not pay for an inference engine.

    >>> from edge_tts import Voice
    >>> voice = Voice.load("default")
    >>> for chunk in voice.synthesize("Hello."):
    ...     play(chunk.pcm16(), chunk.sample_rate)
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_tts.audio import AudioChunk
    from edge_tts.voice import SpeakerInfo, Voice

__all__ = ["DISTRIBUTION", "AudioChunk", "SpeakerInfo", "Voice"]

# The identity check reads this: an unrelated distribution called `edge-tts` installs a package of the same name.
DISTRIBUTION = "edge-tts-jetson"

# ONNX Runtime 1.31 for Linux gathers telemetry, in a database in the user's cache, to send it to its maker; it asks for
# this when it is imported. A speaker in somebody's home reports to nobody.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {"AudioChunk": "edge_tts.audio", "SpeakerInfo": "edge_tts.voice", "Voice": "edge_tts.voice"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'edge_tts' has no attribute {name!r}")
