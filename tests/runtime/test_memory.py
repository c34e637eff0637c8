"""Large blocks are not kept for good."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge_tts import memory

ROOT = Path(__file__).resolve().parents[2]
# glibc raises its limit when a block of this size is freed, and keeps the next one on its heap.
BLOCKS = """
import sys
import numpy as np
from edge_tts.memory import give_back_large_blocks
def resident():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmRSS")).split()[1])
if sys.argv[1] == "program":
    give_back_large_blocks()
np.ones(6 << 20, np.uint8)
before = resident()
blocks = [np.ones(5 << 20, np.uint8) for _ in range(4)]
small = np.ones(1 << 16, np.uint8)
del blocks
print((resident() - before) >> 10)
"""


def kept(who):
    """MiB of 20 that stay after they were freed."""
    command = [sys.executable, "-c", BLOCKS, who]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_large_blocks_go_back_to_the_system():
    if kept("nobody") < 15:
        pytest.skip("this system's allocator gives them back by itself")
    assert kept("program") < 3


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_a_setting_of_the_user_s_own_stays(monkeypatch):
    calls = []
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=lambda *a: calls.append(a)))
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "33554432")
    memory.give_back_large_blocks()
    assert calls == []
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_")
    memory.give_back_large_blocks()
    assert calls == [(-3, 2 << 20)]
