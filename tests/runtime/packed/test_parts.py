"""edge_tts.engines.packed.parts: another processor, ONNX Runtime or bundle is another key."""

import onnxruntime
import pytest

from edge_tts.bundle import open_bundle
from edge_tts.engines import onnx as engine
from edge_tts.engines.packed.parts import packed_parts, processor_parts

X86 = "processor : 0\nmodel name : A 1\ncpu MHz : 2596.1\nflags : fpu avx2 avx512_vnni\n\n"
ORIN = "processor : 0\nFeatures : fp asimd asimddp\nCPU implementer : 0x41\nCPU part : 0xd42\n\n"


@pytest.fixture
def of(tmp_path):
    def parts(text, machine="x86_64"):
        (tmp_path / "cpuinfo").write_text(text)
        return processor_parts(machine, tmp_path / "cpuinfo")

    return parts


def test_clock_number_and_order_make_no_other_key(of):
    same = X86.replace("2596.1", "1200.0").replace("fpu avx2", "avx2 fpu") + X86.replace(": 0", ": 1")
    assert of(X86) == of(same)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (X86, X86.replace(" avx512_vnni", "")),
        (X86, X86.replace("A 1", "A 2")),
        (ORIN, ORIN.replace(" asimddp", " asimddp i8mm")),
        (ORIN, ORIN.replace("0xd42", "0xd0b")),
        (ORIN, ORIN + ORIN.replace("0xd42", "0xd05")),  # big and little cores
    ],
)
def test_another_processor_is_another_key(of, text, other):
    assert of(text) != of(other)


def test_the_architecture_is_a_part(of):
    assert of(ORIN, "aarch64") != of(ORIN, "armv7l")


def test_where_the_system_says_nothing(of, tmp_path):
    assert of("processor : 0\n") is None
    assert processor_parts("x86_64", tmp_path / "missing") is None


def test_of_a_bundle(tiny_bundle, classic_bundle, monkeypatch, tmp_path):
    bundle = open_bundle(tiny_bundle)
    parts = packed_parts(bundle)
    assert parts["bundle"] == bundle.id and parts["onnxruntime"] == onnxruntime.__version__
    assert packed_parts(open_bundle(classic_bundle)) != parts
    (tmp_path / "cpuinfo").write_text("flags : fpu avx2\n")  # its products overflow: sessions have another setting
    monkeypatch.setattr(engine, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert packed_parts(bundle)["settings"] == {"session.x64quantprecision": "1"}
