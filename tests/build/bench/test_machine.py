"""What is read of a processor."""

import os

from build_engines.bench.machine import allowed_cores, cpu_features, describe


def test_x86():
    text = "processor\t: 0\nmodel name\t: A CPU\nflags\t\t: fpu avx2 fma avx512_vnni\n\nmodel name\t: B\n"
    assert cpu_features(text) == ("A CPU", "avx2 fma avx512_vnni")


def test_arm():
    text = "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\nCPU part\t: 0xd42\n"
    assert cpu_features(text) == ("0xd42", "asimd asimddp i8mm")


def test_nothing_known():
    assert cpu_features("") == ("unknown", "")


def test_this_one():
    assert set(allowed_cores()) <= set(range(os.cpu_count() or 1))
    assert describe([1])["pinned_to"] == [1]
