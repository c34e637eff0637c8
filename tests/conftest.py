"""Fixtures that several rooms use: a tiny voice made on the spot."""

import os
import shutil
from pathlib import Path

import pytest

from tests.tiny_bundle import make_bundle

# No test but those of packing starts a process that packs the tiny voice for next time.
os.environ["EDGETTS_PACKED"] = "off"

REFERENCE = Path(__file__).resolve().parent.parent.parent / "shared" / "reference"


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory):
    """A valid bundle of random weights with pointers; not to be changed."""
    return make_bundle(tmp_path_factory.mktemp("voices") / "tiny")


@pytest.fixture(scope="session")
def classic_bundle(tmp_path_factory):
    """The same without pointers and with a prompt, like a genuine GPT-SoVITS voice; not to be changed."""
    return make_bundle(tmp_path_factory.mktemp("voices") / "classic", classic=True, name="classic")


@pytest.fixture
def bundle_copy(tiny_bundle, tmp_path):
    """A copy of the tiny bundle, to be damaged."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))


@pytest.fixture(scope="session")
def reference():
    """The folder of golden files recorded from GPT-SoVITS's own code."""
    if not (REFERENCE / "golden").is_dir():
        pytest.skip("the golden files of ../shared/reference are not on this machine")
    return REFERENCE
