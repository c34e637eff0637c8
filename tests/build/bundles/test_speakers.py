"""A speaker enters a bundle whole, or the bundle stays as it was."""

import hashlib
import json
import os
import shutil

import numpy as np
import pytest

from build_engines.bundles import speakers as module
from build_engines.bundles.speakers import (
    Key,
    NewSpeaker,
    add_speaker,
    content_hash,
    find_speaker,
    graphs_hash,
    is_name,
)
from build_engines.errors import BuildError
from edge_tts import Voice
from edge_tts.bundle import SpeakerTokens, open_bundle
from edge_tts.errors import BundleError
from tests.tiny_bundle import make_bundle, read_manifest, speaker_tensors, write_manifest


def speaker(name="cleo", index=7, content="c", tokens=None, **fields):
    tokens = tokens or SpeakerTokens(**speaker_tensors(index, False))
    return NewSpeaker(name, "en", f"{name}, enrolled", tokens, Key("m", content), **fields)


def snapshot(folder):
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_added(bundle_copy):
    before = snapshot(bundle_copy)
    new = speaker(phrase_breaks=True)
    bundle = add_speaker(bundle_copy, new)
    assert bundle.id == open_bundle(bundle_copy).id
    entry = bundle.manifest.speakers["cleo"]
    assert (entry.language, entry.description, entry.phrase_breaks) == ("en", "cleo, enrolled", True)
    assert bundle.manifest.default_speaker == "ada"
    for name, value in vars(new.tokens).items():
        assert np.array_equal(getattr(bundle.speaker("cleo"), name), value), name
    bundle.verify_rest(set())
    after = snapshot(bundle_copy)
    # The other files were neither copied nor changed.
    assert {name: after[name] for name in before if name != "manifest.json"} == {
        name: value for name, value in before.items() if name != "manifest.json"
    }
    assert set(after) - set(before) == {"speakers/cleo.safetensors"}
    assert list(Voice.load(bundle_copy).synthesize("Hello.", speaker="cleo", seed=1))


def test_keys_that_readers_skip_are_kept(bundle_copy):
    tree = read_manifest(bundle_copy) | {"later": {"version": [1, 2, 3]}}
    write_manifest(bundle_copy, tree)
    add_speaker(bundle_copy, speaker())
    after = read_manifest(bundle_copy)
    assert after["later"] == tree["later"]
    assert after["provenance"] == tree["provenance"]


def test_the_first_speaker_is_the_default(bundle_copy):
    tree = read_manifest(bundle_copy)
    shutil.rmtree(bundle_copy / "speakers")
    write_manifest(bundle_copy, tree | {"speakers": {}, "default_speaker": None})
    assert add_speaker(bundle_copy, speaker()).manifest.default_speaker == "cleo"
    assert add_speaker(bundle_copy, speaker("dora")).manifest.default_speaker == "cleo"
    assert add_speaker(bundle_copy, speaker("emil"), make_default=True).manifest.default_speaker == "emil"


def test_a_name_that_is_taken(bundle_copy):
    before = snapshot(bundle_copy)
    with pytest.raises(BuildError, match=r"has a speaker 'ada'.*--replace"):
        add_speaker(bundle_copy, speaker("ada"))
    assert snapshot(bundle_copy) == before
    bundle = add_speaker(bundle_copy, speaker("ada"), replace=True)
    assert np.array_equal(bundle.speaker("ada").ge, speaker_tensors(7, False)["ge"])
    assert set(bundle.manifest.files) == set(before) - {"manifest.json"}


def test_files_with_other_names(bundle_copy):
    """A file's name is whatever the manifest says, and two speakers may share one."""
    tree = read_manifest(bundle_copy)
    tree["speakers"]["ada"]["file"] = tree["speakers"]["bob"]["file"] = "speakers/cleo.safetensors"
    (bundle_copy / "speakers/ada.safetensors").rename(bundle_copy / "speakers/cleo.safetensors")
    (bundle_copy / "speakers/bob.safetensors").unlink()
    write_manifest(bundle_copy, tree)
    bob = open_bundle(bundle_copy).speaker("bob").ge
    bundle = add_speaker(bundle_copy, speaker("cleo"))
    assert bundle.manifest.speakers["cleo"].file == "speakers/cleo-2.safetensors"
    bundle = add_speaker(bundle_copy, speaker("ada"), replace=True)
    assert np.array_equal(bundle.speaker("bob").ge, bob)
    assert not np.array_equal(bundle.speaker("ada").ge, bob)


@pytest.mark.parametrize("name", ["../up", "", ".hidden", "a/b", "x" * 65, "a\n"])
def test_names_that_are_none(bundle_copy, name):
    before = snapshot(bundle_copy)
    assert not is_name(name)
    with pytest.raises(BundleError):
        add_speaker(bundle_copy, speaker(name))
    assert snapshot(bundle_copy) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"features": np.zeros(3, np.float32)},
        {"ge": np.full(5, np.nan, np.float32)},
        {"latents_condition": np.zeros(1, np.float32)},
        {"prompt_semantic": np.array([-1])},
    ],
)
def test_tokens_that_no_reader_takes(bundle_copy, wrong):
    before = snapshot(bundle_copy)
    with pytest.raises(BundleError, match="speaker 'cleo'"):
        add_speaker(bundle_copy, speaker(tokens=SpeakerTokens(**speaker_tensors(7, False) | wrong)))
    assert snapshot(bundle_copy) == before


@pytest.mark.parametrize("step", ["_take", "_write", "exchange", "synchronise"])
def test_interrupted(bundle_copy, monkeypatch, step):
    before = snapshot(bundle_copy)

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        add_speaker(bundle_copy, speaker())
    assert snapshot(bundle_copy) == before
    assert list(bundle_copy.parent.iterdir()) == [bundle_copy]
    open_bundle(bundle_copy).verify_rest(set())


def test_killed_before_the_exchange(bundle_copy, monkeypatch):
    """What a killed run leaves beside the bundle is in nobody's way."""
    monkeypatch.setattr(module.shutil, "rmtree", lambda *arguments, **options: None)
    monkeypatch.setattr(module, "exchange", lambda *arguments: None)
    before = snapshot(bundle_copy)
    add_speaker(bundle_copy, speaker("lost"))
    assert snapshot(bundle_copy) == before
    assert (bundle_copy.parent / ".tiny.part").is_dir()
    monkeypatch.undo()
    assert "lost" not in add_speaker(bundle_copy, speaker()).manifest.speakers
    assert list(bundle_copy.parent.iterdir()) == [bundle_copy]


def test_changed_meanwhile(bundle_copy, monkeypatch):
    take, tree = module._take, read_manifest(bundle_copy)

    def meanwhile(source, target, **options):
        (bundle_copy / "manifest.json").write_text(json.dumps(tree | {"licence": "MIT"}))
        take(source, target, **options)

    monkeypatch.setattr(module, "_take", meanwhile)
    with pytest.raises(BuildError, match="changed meanwhile"):
        add_speaker(bundle_copy, speaker())
    assert open_bundle(bundle_copy).manifest.licence == "MIT"
    assert "cleo" not in open_bundle(bundle_copy).manifest.speakers


def test_without_hard_links(bundle_copy, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    add_speaker(bundle_copy, speaker()).verify_rest(set())


def test_a_linked_folder(bundle_copy):
    """A bundle reached by a symbolic link: the bundle changes, the link stays."""
    link = bundle_copy.with_name("link")
    link.symlink_to(bundle_copy)
    add_speaker(link, speaker())
    assert link.is_symlink()
    assert "cleo" in open_bundle(bundle_copy).manifest.speakers


def test_a_copy(bundle_copy, tmp_path):
    before = snapshot(bundle_copy)
    target = tmp_path / "deep" / "my-voice"
    bundle = add_speaker(bundle_copy, speaker(), output=target, make_default=True)
    assert snapshot(bundle_copy) == before
    assert (bundle.manifest.name, bundle.manifest.default_speaker) == ("my-voice", "cleo")
    assert not {inode for inode, _ in snapshot(target).values()} & {inode for inode, _ in before.values()}
    with pytest.raises(BuildError, match="exists"):
        add_speaker(bundle_copy, speaker("dora"), output=target)
    assert "dora" in add_speaker(bundle_copy, speaker("dora"), output=target, replace=True).manifest.speakers
    assert add_speaker(bundle_copy, speaker(), output=tmp_path / "my voice").manifest.name == "tiny"


def test_weights_beside_the_graphs(tmp_path):
    folder = make_bundle(tmp_path / "big", external=True)
    add_speaker(folder, speaker())
    assert Voice.load(folder)


def test_found_again(bundle_copy):
    assert find_speaker(open_bundle(bundle_copy), Key("m", "c")) is None  # speakers without a key
    add_speaker(bundle_copy, speaker(content="one"))
    bundle = add_speaker(bundle_copy, speaker("dora", content="two"))
    assert find_speaker(bundle, Key("m", "one")) == "cleo"
    assert find_speaker(bundle, Key("m", "two")) == "dora"
    assert find_speaker(bundle, Key("m", "three")) is None
    assert find_speaker(bundle, Key("other", "one")) is None
    assert find_speaker(bundle, Key("m", "one", recipe="0")) is None


def test_the_key_is_of_graphs_and_content(bundle_copy):
    bundle = open_bundle(bundle_copy)
    own = graphs_hash(bundle)
    assert graphs_hash(add_speaker(bundle_copy, speaker())) == own
    tree = read_manifest(bundle_copy)
    (bundle_copy / "card.md").write_text("# another card\n")
    write_manifest(bundle_copy, tree)
    assert graphs_hash(open_bundle(bundle_copy)) == own
    with (bundle_copy / "graphs/vocoder.onnx").open("ab") as file:
        file.write(b"\0")
    write_manifest(bundle_copy, tree)
    assert graphs_hash(open_bundle(bundle_copy)) != own
    hashes = {
        content_hash(*arguments)
        for arguments in [
            (["a"], "text", "en"), (["b"], "text", "en"), (["a"], "other", "en"), (["a"], "text", "zh"),
            (["a", "b"], "text", "en"), (["b", "a"], "text", "en"),
        ]
    }  # fmt: skip
    assert len(hashes) == 6
