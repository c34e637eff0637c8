"""The case tables, and the libraries that some languages need."""

from pathlib import Path

import pytest

LIBRARIES = {"ja": "pyopenjtalk", "ko": "mecab", "yue": "ToJyutping"}


def table(name):
    """The rows of a table without its heading."""
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("# ")]


def need(language):
    """Skips the test where the language's library is not installed."""
    if language in LIBRARIES:
        pytest.importorskip(LIBRARIES[language], reason=f"needs the extra {language}: pip install -e '.[{language}]'")
