"""Which bundle an argument means: an installed name, or a folder, with a slash in it or without."""

import pytest

from build_engines.bundles.places import folder_of, voice_of
from edge_tts.errors import VoiceNotFoundError
from tests.tiny_bundle import make_bundle


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EDGETTS_VOICES", raising=False)
    make_bundle(tmp_path / "ann")
    return tmp_path


@pytest.mark.parametrize("argument", ["ann", "./ann", "ann/"])
def test_a_folder_is_found_with_a_slash_or_without(here, argument):
    assert folder_of(argument).resolve() == here / "ann"


def test_an_installed_voice_goes_before_a_folder_of_its_name(here):
    (here / "ann").rename(here / "default")
    assert folder_of("default").resolve() != here / "default"


@pytest.mark.parametrize("argument", ["nobody", "./nobody", "a\0b"])
def test_what_is_not_there_is_named(here, argument):
    with pytest.raises(VoiceNotFoundError):
        folder_of(argument)


def test_a_voice_is_called_so_that_say_finds_it(here):
    assert voice_of(folder_of("ann")) == "./ann"
    assert voice_of(folder_of("default")) == "default"
