"""What voices are measured on: everyday sentences of a smart speaker, one text file per language, written for this.

The first sentences of a file calibrate (`edgetts-build quantize` finds its scales with them), the rest certify: what a
voice was fitted to never judges it. None of them is in a corpus that the default voice was trained or tested on.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from build_engines.errors import BuildError

__all__ = ["LANGUAGES", "PURPOSES", "read_file", "sentences"]

LANGUAGES = ("en", "zh", "ja", "ko", "yue")
PURPOSES = ("calibration", "certification")
_CALIBRATING = 12
_MAX_BYTES = 1 << 20


def sentences(language: str, purpose: str) -> tuple[str, ...]:
    """The sentences of a language for `calibration` (12) or `certification` (54). Raises BuildError: there are none."""
    if language not in LANGUAGES:
        raise BuildError(
            f"no sentences in language {language[:20]!r}: choose {', '.join(LANGUAGES)}, or give --text FILE"
        )
    if purpose not in PURPOSES:
        raise ValueError(f"purpose must be one of {PURPOSES}, not {purpose!r}")
    text = resources.files(__package__).joinpath(f"{language}.txt").read_text(encoding="utf-8")
    found = _lines(text)
    return found[:_CALIBRATING] if purpose == "calibration" else found[_CALIBRATING:]


def read_file(path: Path) -> tuple[str, ...]:
    """The sentences of a user's own file: UTF-8, one per line, empty lines skipped. Raises BuildError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        found = _lines(raw.decode("utf-8-sig"))
    except OSError as error:
        raise BuildError(f"{path} can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BuildError(f"{path} is not UTF-8: save it as a text file in that encoding") from None
    if len(raw) > _MAX_BYTES:
        raise BuildError(f"{path} is larger than {_MAX_BYTES} bytes: a few dozen sentences are enough")
    if not found:
        raise BuildError(f"{path} has no sentence: write one per line")
    return found


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())
