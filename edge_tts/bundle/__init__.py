"""The bundle reader: a folder goes in, verified bytes and a typed manifest come out. Knows files, not engines.

Format: docs/bundle.md. Everything in a bundle is untrusted until its SHA-256 has been checked; nothing is unpickled.
"""

from edge_tts.bundle.locate import home_folder, installed, locate, search_path
from edge_tts.bundle.manifest import parse_manifest
from edge_tts.bundle.reader import Bundle, open_bundle
from edge_tts.bundle.speaker import SpeakerTokens
from edge_tts.bundle.spec import Manifest, Sampling, SpeakerEntry, TensorSpec

__all__ = [
    "Bundle",
    "Manifest",
    "Sampling",
    "SpeakerEntry",
    "SpeakerTokens",
    "TensorSpec",
    "home_folder",
    "installed",
    "locate",
    "open_bundle",
    "parse_manifest",
    "search_path",
]
