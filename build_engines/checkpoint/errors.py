"""Why a checkpoint can't be used."""

from __future__ import annotations

from build_engines.errors import BuildError

__all__ = ["CheckpointError", "show"]

_LONGEST = 60


class CheckpointError(BuildError):
    """A file isn't a GPT-SoVITS checkpoint that a voice can be made of; one line says what is wrong and where."""

    exit_code = 2


def show(value: object) -> str:
    """A value from an untrusted file, short and printable; of anything but text and numbers only its kind."""
    if isinstance(value, str):
        return ascii(value if len(value) <= _LONGEST else value[:_LONGEST] + "...")
    if isinstance(value, int) and value.bit_length() > 64:
        return f"an integer of {value.bit_length()} bits"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    return f"a {type(value).__name__}"
