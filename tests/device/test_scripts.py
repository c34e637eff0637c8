"""What the start scripts say on a machine that lacks something."""

import os
import subprocess
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def bash(script, folder, **environment):
    """Run `script` with scripts/venv.sh sourced, in `folder`."""
    return subprocess.run(
        ["bash", "-c", f"set -euo pipefail; . '{REPOSITORY}/scripts/venv.sh'; {script}", "scripts/run"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def fake_python(folder, script):
    program = folder / "fakepython"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_no_python(tmp_path):
    result = bash("ensure_venv .venv x", tmp_path, PYTHON="no-such-python")
    assert result.returncode == 1
    assert result.stderr == "run: no no-such-python here: install Python 3.10 or newer\n"


def test_an_old_python(tmp_path):
    python = fake_python(tmp_path, '[ "$1" = --version ] && echo "Python 3.8.1" && exit; exit 1')
    result = bash("ensure_venv .venv x", tmp_path, PYTHON=python)
    assert result.returncode == 1
    assert result.stderr == "run: Python 3.8.1 is too old: install Python 3.10 or newer\n"


def test_a_python_without_venv(tmp_path):
    python = fake_python(tmp_path, 'case "$2" in *venv*) exit 1;; esac')
    (tmp_path / "pyproject.toml").write_text("")
    result = bash("ensure_venv .venv x", tmp_path, PYTHON=python)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "has no venv module: install it (Debian, Ubuntu: apt install python3-venv)" in line


PIP_FAILS = """
case "$*" in
  *"pip --version"*) exit 0;;
  *"pip install"*) echo "$PIP_SAYS"; exit 1;;
esac
"""


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("WARNING: Retrying after connection broken by NewConnectionError", "the package registry can't be reached"),
        (
            "ERROR: No matching distribution",
            "installing failed: ERROR: No matching distribution",
        ),
    ],
)
def test_pip_fails(tmp_path, says, reason):
    venv = tmp_path / ".venv" / "bin"
    venv.mkdir(parents=True)
    Path(fake_python(venv, PIP_FAILS)).rename(venv / "python")
    (tmp_path / "pyproject.toml").write_text("")
    result = bash("ensure_venv .venv x", tmp_path, PYTHON=str(venv / "python"), PIP_SAYS=says)
    assert result.returncode == 1
    installing, line = result.stderr.splitlines()
    assert installing == "installing into .venv (only the first time)"
    assert reason in line
    assert "log: .venv/install.log" in line


def test_the_second_time_installs_nothing(tmp_path):
    venv = tmp_path / ".venv" / "bin"
    venv.mkdir(parents=True)
    Path(fake_python(venv, 'case "$*" in *"pip install"*) echo run >>installs;; esac')).rename(venv / "python")
    (tmp_path / "pyproject.toml").write_text("one")
    python = str(venv / "python")
    assert bash("ensure_venv .venv x", tmp_path, PYTHON=python).returncode == 0
    again = bash("ensure_venv .venv x", tmp_path, PYTHON=python)
    assert (again.returncode, again.stderr) == (0, "")
    (tmp_path / "pyproject.toml").write_text("two")
    assert bash("ensure_venv .venv x", tmp_path, PYTHON=python).returncode == 0
    assert (tmp_path / "installs").read_text() == "run\nrun\n"


def test_ctrl_c_ends_the_installation_too(tmp_path):
    venv = tmp_path / ".venv" / "bin"
    venv.mkdir(parents=True)
    slow = 'case "$*" in *"pip install"*) echo $$ >pid; exec sleep 60;; esac'
    Path(fake_python(venv, slow)).rename(venv / "python")
    (tmp_path / "pyproject.toml").write_text("")
    interrupt = "( until [ -s pid ]; do sleep 0.1; done; kill -TERM $$ ) & ensure_venv .venv x"
    result = bash(interrupt, tmp_path, PYTHON=str(venv / "python"))
    assert result.returncode == 130
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        for _ in range(500):
            os.kill(pid, 0)
            time.sleep(0.01)
