"""edge_tts.identity: the unrelated package `edge-tts` in our place."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import edge_tts
from edge_tts.identity import diagnose, problem

OURS = "edge-tts-jetson"
PACKAGE = Path(edge_tts.__file__).parent


@pytest.mark.parametrize(
    ("marker", "beside", "claimed", "word"),
    [
        (OURS, ["voice.py", "cli.py"], False, None),
        (None, ["voice.py"], False, "replaced"),
        ("other", [], False, "replaced"),
        (OURS, ["voice.py", "communicate.py"], False, "communicate.py"),
        (OURS, ["drm.py", "submaker.py"], False, "drm.py"),
        (OURS, ["voice.py"], True, "installed over"),
    ],
)
def test_diagnosis(marker, beside, claimed, word):
    line = diagnose(marker, beside, claimed)
    if word is None:
        assert line is None
    else:
        assert word in line and "pip uninstall -y edge-tts" in line and "\n" not in line


def test_this_installation_is_ours():
    assert problem() is None


THEIR_INIT = '"""Another package."""\n__version__ = "7.3.1"\n'


@pytest.fixture
def site(tmp_path):
    """A folder like site-packages, with our package in it."""
    ignore = shutil.ignore_patterns("__pycache__", "voices", "data")
    shutil.copytree(PACKAGE, tmp_path / "edge_tts", ignore=ignore)
    return tmp_path


def start(site, *arguments):
    """Starts `edgetts` as its console script does, from this folder."""
    code = "import sys; from edge_tts.cli import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, cwd=site, capture_output=True, text=True, check=False)


def refused(done):
    return done.returncode == 1 and "pip uninstall -y edge-tts" in done.stderr and done.stderr.count("\n") == 1


def test_our_own_files_start(site):
    done = start(site, "--version")
    assert (done.returncode, done.stderr) == (0, "")


def test_their_init_over_ours(site):
    (site / "edge_tts" / "__init__.py").write_text(THEIR_INIT)
    assert refused(start(site, "say", "hello"))


def test_our_init_over_theirs(site):
    (site / "edge_tts" / "communicate.py").write_text("")
    assert refused(start(site, "voices"))


def test_an_init_that_was_removed_with_their_package(site):
    (site / "edge_tts" / "__init__.py").unlink()
    assert refused(start(site, "--help"))


def test_a_record_that_claims_our_init(site):
    info = site / "edge_tts-7.3.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: edge-tts\nVersion: 7.3.1\n")
    (info / "RECORD").write_text("edge_tts/__init__.py,,\nedge_tts/version.py,,\n")
    assert refused(start(site, "say", "hello"))


def test_another_distribution_elsewhere_is_no_matter(site, tmp_path_factory, monkeypatch):
    """Installed in a folder further down the path, it is not the one that is imported."""
    other = tmp_path_factory.mktemp("other")
    info = other / "edge_tts-7.3.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: edge-tts\nVersion: 7.3.1\n")
    (info / "RECORD").write_text("edge_tts/__init__.py,,\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(other)]))
    code = f"import sys; sys.path.append({str(other)!r}); from edge_tts.cli import main; sys.exit(main(['--version']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=site, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
