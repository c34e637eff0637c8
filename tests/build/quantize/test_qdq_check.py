"""scripts/check-tensorrt's Python part, with the strict stand-in for TensorRT: its self-test and its verdicts."""

import json
import shutil
import sys
from pathlib import Path

import onnx
import pytest

import tests.fakes.tensorrt_builder
from tests.build.tensorrt.conftest import quantized  # noqa: F401
from tests.fakes.tensorrt import FakeTensorRT
from tests.tiny_bundle import make_bundle, read_manifest, write_manifest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts"))

import tensorrt_builds as checker


@pytest.fixture
def fake(monkeypatch):
    """TensorRT, where the script looks for it; the script turns logging off, which must not outlive a test."""
    trt = FakeTensorRT("11.4")
    monkeypatch.setitem(sys.modules, "tensorrt_rtx_bindings", trt)
    monkeypatch.setattr(checker.logging, "disable", lambda level: None)
    return trt


def check(monkeypatch, *args):
    monkeypatch.setattr(sys, "argv", ["check-tensorrt", *map(str, args)])
    return checker.main()


def test_the_self_test_passes_where_broken_graphs_are_refused(fake, monkeypatch, capsys):
    assert check(monkeypatch, "--self-test") == 0
    assert "4 broken ones are refused" in capsys.readouterr().err


def test_a_parser_that_takes_a_zero_point_fails_the_self_test(fake, monkeypatch, capsys):
    real = tests.fakes.tensorrt_builder.tensorrt_model.refusals
    lenient = lambda model: (found for found in real(model) if "zero point" not in str(found))  # noqa: E731
    monkeypatch.setattr(tests.fakes.tensorrt_builder.tensorrt_model, "refusals", lenient)
    assert check(monkeypatch, "--self-test") == 1
    assert "a zero point of 3 should be refused" in capsys.readouterr().err


def test_a_builder_that_builds_nothing_fails_the_self_test(fake, monkeypatch, capsys):
    fake.faults.build = True
    assert check(monkeypatch, "--self-test") == 1
    assert "sound should build" in capsys.readouterr().err


def test_every_graph_gets_a_row(fake, quantized, monkeypatch, capsys, tmp_path):  # noqa: F811
    assert check(monkeypatch, quantized, "--json", tmp_path / "rows.json") == 0
    printed, rows = capsys.readouterr().out, json.loads((tmp_path / "rows.json").read_text())["graphs"]
    assert [row["graph"] for row in rows] == ["gpt_step", "vocoder"]
    assert all(row["refused"] == "" and row["plan_bytes"] > 0 for row in rows)
    assert rows[1]["int8"] == rows[1]["products"] == 1
    assert rows[1]["profiles"] == 2
    assert printed.count("| tiny |") == 2


def test_a_refused_graph_is_told_and_fails(fake, quantized, monkeypatch, capsys, tmp_path):  # noqa: F811
    folder = Path(shutil.copytree(quantized, tmp_path / "copy"))
    path = folder / "tensorrt/gpt_step.onnx"
    model = onnx.load(path)
    model.graph.node[-1].op_type = "Multinomial"
    onnx.save(model, path)
    write_manifest(folder, read_manifest(folder))
    assert check(monkeypatch, folder) == 1
    printed = capsys.readouterr()
    assert "REFUSED" in printed.out
    assert "Multinomial" in printed.out
    assert printed.out.count("MB |") == 1  # the other one is built all the same
    assert "copy: 1 graphs were refused" in printed.err


def test_a_bundle_without_such_graphs_fails_in_one_line(fake, quantized, monkeypatch, capsys, tmp_path):  # noqa: F811
    """The others are checked all the same."""
    assert check(monkeypatch, make_bundle(tmp_path / "plain"), quantized) == 1
    printed = capsys.readouterr()
    assert "has no graphs for TensorRT" in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out.count("MB |") == 2
