"""Small voices to quantize, made once."""

import pytest

from tests.build.quantize import voices


@pytest.fixture(scope="session")
def distilled_voice(exported, tmp_path_factory):
    """A distilled voice of two speakers; not to be changed."""
    return voices.distilled(tmp_path_factory.mktemp("quantize") / "small", exported.folder)


@pytest.fixture(scope="session")
def genuine_voice(tmp_path_factory, one_thread):
    """A voice with a prompt, without pointers, whose GPT's weights lie beside its graphs; not to be changed."""
    return voices.genuine(tmp_path_factory.mktemp("quantize") / "genuine")
