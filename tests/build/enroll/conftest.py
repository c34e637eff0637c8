"""Tiny voices that can enroll, a tiny HuBERT, and the command as a person calls it."""

import argparse
import shutil
from pathlib import Path

import pytest
import torch
from transformers import HubertConfig, HubertModel
from transformers.utils import logging

from build_engines.commands import enroll as command
from edge_tts.errors import EdgeTTSError
from edge_tts.terminal import complain
from tests.build.enroll.sounds import clean, write
from tests.build.enroll.voices import enrolling_bundle


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Kind of voice → its bundle; not to be changed."""
    folder = tmp_path_factory.mktemp("enrolling")
    return {kind: enrolling_bundle(folder / kind, kind, kind) for kind in ("own", "classic", "pro")}


@pytest.fixture
def bundles(made, tmp_path):
    """The same to be changed: a function from the kind to the folder of a copy."""

    def copy(kind):
        target = tmp_path / "voices" / kind
        return target if target.exists() else Path(shutil.copytree(made[kind], target))

    return copy


@pytest.fixture(scope="session")
def hubert(tmp_path_factory):
    """A HuBERT of one layer with random weights and the real convolutions, as a folder of transformers."""
    torch.manual_seed(0)
    config = HubertConfig(
        hidden_size=768, num_hidden_layers=1, num_attention_heads=4, intermediate_size=16, conv_dim=(8,) * 7,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=16,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("models") / "chinese-hubert-base"
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    HubertModel(config).save_pretrained(folder)
    if bars:
        logging.enable_progress_bar()
    return folder


@pytest.fixture
def recording(tmp_path):
    """Four seconds that nothing is wrong with."""
    return write(tmp_path / "ref.wav", clean())


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder without any voices or models."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr(Path, "home", lambda: folder)
    for name in ("EDGETTS_VOICES", "EDGETTS_HUBERT", "EDGETTS_ERES2NET"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def call(home, capsys):
    """Runs the command; returns (exit code, stdout, the lines of stderr)."""

    def run(*arguments):
        parser = argparse.ArgumentParser()
        command.configure(parser)
        args = parser.parse_args([str(argument) for argument in arguments])
        try:
            code = command.run(args)
        except EdgeTTSError as error:
            complain("edgetts-build", error)
            code = getattr(error, "exit_code", 1)
        shown = capsys.readouterr()
        return code, shown.out, shown.err.splitlines()

    return run
