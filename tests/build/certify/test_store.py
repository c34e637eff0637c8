"""The certificate's way into a bundle: in one step, to the right bundle, and the rest stays as it was."""

import dataclasses
import json
import shutil

import pytest

from build_engines.certify.certificate import FILE, content_hash
from build_engines.certify.gate import certify
from build_engines.certify.plan import Plan
from build_engines.certify.store import write_certificate
from build_engines.errors import BuildError
from edge_tts import Voice
from edge_tts.bundle import open_bundle
from tests.tiny_bundle import read_manifest, write_manifest


@pytest.fixture
def bundle(good_bundle, tmp_path):
    return shutil.copytree(good_bundle, tmp_path / "voice")


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_bundle_has_it_and_can_be_loaded(bundle, good, caplog):
    before = tree(bundle)
    made = write_certificate(bundle, good)
    assert made.path == bundle
    assert made.manifest.certificate is not None
    assert made.manifest.certificate.passed
    assert json.loads(made.read(FILE))["passed"] is True
    after = tree(bundle)
    assert {name: raw for name, raw in after.items() if name in before and name != "manifest.json"} == {
        name: raw for name, raw in before.items() if name != "manifest.json"
    }
    Voice.load(bundle)
    assert not caplog.records


def test_graphs_are_linked_and_nothing_is_left_beside(bundle, good):
    inode = (bundle / "graphs/gpt_step.onnx").stat().st_ino
    write_certificate(bundle, good)
    assert (bundle / "graphs/gpt_step.onnx").stat().st_ino == inode
    assert [path.name for path in bundle.parent.iterdir()] == ["voice"]


def test_a_failing_one_says_so_whenever_it_is_loaded(bad_bundle, bad, tmp_path, caplog):
    folder = shutil.copytree(bad_bundle, tmp_path / "voice")
    write_certificate(folder, bad)
    Voice.load(folder)
    assert "failed its certification" in caplog.text


def test_it_is_written_again_in_place_of_the_older_one(bundle, good):
    first = write_certificate(bundle, good)
    second = write_certificate(bundle, dataclasses.replace(good, free=good.free[:3]))
    assert len(json.loads(second.read(FILE))["free"]) == 3
    assert first.id != second.id
    assert content_hash((bundle / "manifest.json").read_bytes()) == good.identity["candidate"]["content"]


def test_the_same_certificate_again_changes_nothing(bundle, float_bundle, good):
    first = write_certificate(bundle, good)
    again = certify(first, float_bundle, plan=Plan(forced=4))
    assert write_certificate(bundle, again).id == first.id


def test_a_draft_is_a_bundle_too(good_bundle, good, tmp_path):
    draft = shutil.copytree(good_bundle, tmp_path / ".voice.part")
    assert write_certificate(draft, good).path == draft
    assert [path.name for path in tmp_path.iterdir()] == [".voice.part"]


def test_another_bundle_does_not_take_it(float_bundle, good, tmp_path):
    folder = shutil.copytree(float_bundle, tmp_path / "voice")
    before = tree(folder)
    with pytest.raises(BuildError, match="is not the bundle that was certified"):
        write_certificate(folder, good)
    assert tree(folder) == before


def test_whatever_interrupts_leaves_the_old_bundle_whole(bundle, good, monkeypatch):
    before = tree(bundle)

    def interrupted(made, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("build_engines.certify.store.exchange", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_certificate(bundle, good)
    assert tree(bundle) == before
    assert [path.name for path in bundle.parent.iterdir()] == ["voice"]


def test_a_bundle_that_changes_meanwhile_is_left_alone(bundle, good, monkeypatch):
    from build_engines.certify import store

    def change_then_synchronise(path):
        write_manifest(bundle, {**read_manifest(bundle), "licence": "MIT"})

    monkeypatch.setattr(store, "synchronise", change_then_synchronise)
    with pytest.raises(BuildError, match="was changed meanwhile"):
        write_certificate(bundle, good)
    assert open_bundle(bundle).manifest.licence == "MIT"


def test_the_file_holds_figures_bars_versions_and_hashes(good, float_bundle, good_bundle):
    proof = json.loads(good.to_json())
    assert proof["candidate"]["content"] == content_hash((good_bundle / "manifest.json").read_bytes())
    assert proof["against"]["id"] == open_bundle(float_bundle).id
    assert {"pesq", "pystoi", "pyloudnorm", "onnxruntime", "numpy"} <= set(proof["environment"]["packages"])
    pesq = next(check for check in proof["checks"] if check["figure"] == "pesq")
    assert (pesq["low"], pesq["passed"]) == (3.5, True)
    assert len(proof["free"]) >= 50
    assert "speed" not in proof  # the same bundle gives the same certificate
