"""Libraries that only one language needs: imported when that language is first read."""

from importlib import import_module
from typing import Any

from edge_tts.errors import TextError

__all__ = ["library"]


def library(module: str, package: str, language: str, extra: str) -> Any:
    """The module. Raises TextError that says what to install if it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        raise TextError(f"{language} needs {package}: run pip install 'edge-tts-jetson[{extra}]'") from error
