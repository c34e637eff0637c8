"""A GPT-SoVITS v2 voice of real size, from its checkpoints to sound as a person would make it; memory is bounded."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "bench_import"
ROW = re.compile(r"\| v2: (import|enroll|say) \| [\d.]+ s \| (\d+) MB \|")
MOST_MB = {"import": 2_000, "enroll": 6 * 1024, "say": 6 * 1024}


@pytest.mark.skipif(sys.platform != "linux", reason="reads peak memory as Linux reports it")
def test_import_enroll_and_speak_within_their_memory(tmp_path):
    if shutil.disk_usage(tmp_path).free < 4 << 30:
        pytest.skip("4 GB of free disk are needed")
    command = [sys.executable, str(SCRIPT), "--version", "v2", "--work", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    peaks = {step: int(megabytes) for step, megabytes in ROW.findall(done.stdout)}
    assert set(peaks) == set(MOST_MB)
    assert all(peaks[step] < most for step, most in MOST_MB.items()), peaks
    shutil.rmtree(tmp_path)  # a gigabyte that pytest would keep
