"""`edgetts-build enroll` as a person meets it: a voice that speaks, or one line that says what to do."""

import hashlib
import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file

from edge_tts import Voice
from edge_tts.bundle import open_bundle
from edge_tts.text import gpt_sovits
from edge_tts.text.symbols import phone_ids
from tests.build.enroll.sounds import clean, noise, speech, write
from tests.tiny_bundle import F, G, V

TEXT = "The river follows a bottle to the open garden."  # "to" and "the" in the dictionary's forms


def contents(folder):
    """Every file of a folder with its hash."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def spoken(folder, speaker, text="Hello there."):
    return np.concatenate([chunk.samples for chunk in Voice.load(folder).synthesize(text, speaker=speaker, seed=1)])


def test_an_imported_voice_speaks(bundles, recording, hubert, call):
    folder = bundles("classic")
    code, out, err = call(folder, "--audio", recording, "--text", TEXT, "--lang", "en", "--hubert", hubert)
    assert (code, err) == (0, [])
    assert f"ref is enrolled in {folder}" in out
    assert f"--voice {folder} --speaker ref" in out
    manifest = open_bundle(folder).manifest
    assert manifest.default_speaker == "ref"
    assert manifest.speakers["ref"].language == "en"
    tokens = open_bundle(folder).speaker("ref")
    # 4 s and 0.6 s of silence at 50 Hz, less the end of the convolutions, in pairs.
    assert len(tokens.prompt_semantic) == (round(4.6 * 16_000) - 80) // 320 // 2
    (sentence,) = gpt_sovits.sentences(TEXT, "en")
    assert tokens.prompt_phones.tolist() == phone_ids(sentence.phones)
    assert not tokens.prompt_features.any()
    assert np.abs(spoken(folder, "ref")).max() > 0


def test_nothing_but_the_speaker_is_added(bundles, recording, hubert, call):
    folder = bundles("classic")
    before = contents(folder)
    assert call(folder, "--audio", recording, "--text", TEXT, "--lang", "en", "--hubert", hubert)[0] == 0
    after = contents(folder)
    assert set(after) - set(before) == {"speakers/ref.safetensors"}
    assert {name for name in before if after[name] != before[name]} == {"manifest.json"}
    assert TEXT.encode() not in (folder / "speakers" / "ref.safetensors").read_bytes()
    assert TEXT not in (folder / "manifest.json").read_text()
    assert list(folder.parent.iterdir()) == [folder]


def test_the_encoder_in_the_bundle(bundles, recording, call):
    folder = bundles("own")
    code, out, err = call(folder, "--audio", recording, "--name", "cleo", "--description", "Cleo, low")
    assert (code, err) == (0, [])
    bundle = open_bundle(folder)
    assert list(bundle.manifest.speakers) == ["ada", "bob", "cleo"]
    assert bundle.manifest.default_speaker == "ada"
    assert bundle.manifest.speakers["cleo"].description == "Cleo, low"
    tokens = bundle.speaker("cleo")
    like = next(name for name in ("ada", "bob") if f"prosody is that of {name!r}" in out)
    assert np.array_equal(tokens.features, bundle.speaker(like).features)
    assert tokens.ge.shape == (G,)
    assert len(tokens.prompt_semantic) == len(tokens.prompt_phones) == 0
    assert np.abs(spoken(folder, "cleo")).max() > 0
    cosines = {}
    for name in ("ada", "bob"):
        other = bundle.speaker(name).ge
        cosines[name] = float(tokens.ge @ other / np.linalg.norm(tokens.ge) / np.linalg.norm(other))
    assert like == max(cosines, key=cosines.__getitem__)
    assert f"cosine {cosines[like]:.2f}" in out


def test_phrase_breaks_come_with_the_prosody(bundles, recording, call):
    folder = bundles("own")
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["speakers"].values():
        entry["phrase_breaks"] = True
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert call(folder, "--audio", recording, "--default")[0] == 0
    after = open_bundle(folder).manifest
    assert after.speakers["ref"].phrase_breaks
    assert after.default_speaker == "ref"


def test_the_same_again_is_recognised(bundles, recording, hubert, call):
    folder = bundles("classic")
    arguments = (folder, "--audio", recording, "--text", TEXT, "--lang", "en", "--hubert", hubert)
    assert call(*arguments, "--name", "one")[0] == 0
    before = contents(folder)
    code, out, err = call(*arguments, "--name", "two")
    assert (code, err) == (0, [])
    assert "already enrolled as one" in out
    assert "--speaker one" in out
    assert contents(folder) == before
    # Another text is another prompt.
    code, out, _ = call(*arguments[:4], "The river follows a bottle past the old garden wall.", *arguments[5:])
    assert code == 0
    assert "ref is enrolled" in out
    assert list(open_bundle(folder).manifest.speakers) == ["one", "ref"]


def test_a_name_that_is_taken(bundles, recording, tmp_path, call):
    folder = bundles("own")
    code, _, err = call(folder, "--audio", recording, "--name", "ada")
    assert code == 1
    assert "has a speaker 'ada'" in err[0]
    assert "--replace" in err[0]
    old = open_bundle(folder).speaker("ada").ge
    code, out, _ = call(folder, "--audio", recording, "--name", "ada", "--replace")
    assert code == 0
    assert "that of 'bob'" in out  # not his own
    assert not np.array_equal(open_bundle(folder).speaker("ada").ge, old)
    assert open_bundle(folder).manifest.default_speaker == "ada"


def test_a_copy(bundles, recording, tmp_path, call):
    folder = bundles("own")
    before = contents(folder)
    target = tmp_path / "elsewhere" / "cleo-voice"
    code, out, _ = call(folder, "--audio", recording, "--name", "cleo", "-o", target)
    assert code == 0
    assert str(target) in out
    assert contents(folder) == before
    assert Voice.load(target).name == "cleo-voice"
    assert (target / "card.md").stat().st_nlink == 1  # what lives apart shares nothing
    code, out, _ = call(folder, "--audio", recording, "--name", "cleo", "-o", target)
    assert "already enrolled as cleo" in out
    other = write(tmp_path / "other.wav", clean(seed=7))
    code, _, err = call(folder, "--audio", other, "--name", "cleo", "-o", target)
    assert code == 1
    assert "exists" in err[0]
    assert call(folder, "--audio", other, "--name", "cleo", "-o", target, "--replace")[0] == 0


@pytest.fixture
def packaged(bundles, monkeypatch):
    """A voice that came with the package."""
    folder = bundles("own")
    monkeypatch.setattr("edge_tts.__file__", str(folder.parent / "__init__.py"))
    return folder


def test_a_voice_of_the_package_is_left_alone(packaged, recording, home, call):
    before = contents(packaged)
    code, out, _ = call(packaged, "--audio", recording, "--name", "cleo")
    assert code == 0
    assert contents(packaged) == before
    copy = home / ".local" / "share" / "edgetts" / "voices" / "own-cleo"
    assert str(copy) in out
    assert "--voice own-cleo --speaker cleo" in out
    assert open_bundle(copy).manifest.default_speaker == "cleo"
    code, out, _ = call(packaged, "--audio", recording, "--name", "cleo")
    assert "already enrolled as cleo" in out


def test_a_voice_that_cannot_be_written(bundles, recording, home, call, monkeypatch):
    folder, access = bundles("own"), os.access
    monkeypatch.setattr(os, "access", lambda path, mode: access(path, mode) and not (mode & os.W_OK and path == folder))
    before = contents(folder)
    code, out, _ = call(folder, "--audio", recording, "--name", "cleo")
    assert code == 0
    assert "own-cleo" in out
    assert contents(folder) == before


def test_several_references(bundles, recording, tmp_path, call):
    folder = bundles("own")
    more = write(tmp_path / "more.wav", clean(seconds=2.0, seed=5))
    assert call(folder, "--audio", recording, "--name", "one")[0] == 0
    assert call(folder, "--audio", recording, "--also", more, "--name", "both")[0] == 0
    one, both = (open_bundle(folder).speaker(name).ge for name in ("one", "both"))
    assert not np.allclose(one, both)
    assert np.linalg.norm(both) == pytest.approx(np.linalg.norm(one), rel=1e-3)


def test_pro_needs_its_network(bundles, recording, hubert, call, tmp_path):
    arguments = (bundles("pro"), "--audio", recording, "--text", TEXT, "--lang", "en", "--hubert", hubert)
    code, _, err = call(*arguments)
    assert code == 1
    assert len(err) == 1
    assert "pretrained_eres2netv2w24s4ep4.ckpt" in err[0]
    assert "--eres2net" in err[0]
    code, _, err = call(*arguments, "--eres2net", tmp_path / "none.ckpt")
    assert str(tmp_path / "none.ckpt") in err[0]


def test_no_hubert(bundles, recording, home, call, monkeypatch):
    arguments = (bundles("classic"), "--audio", recording, "--text", TEXT, "--lang", "en")
    code, _, err = call(*arguments)
    assert code == 1
    assert len(err) == 1
    assert str(home / ".local/share/edgetts/models/chinese-hubert-base") in err[0]
    assert "--hubert" in err[0]
    monkeypatch.setenv("EDGETTS_HUBERT", "/nowhere/hubert")
    assert "/nowhere/hubert" in call(*arguments)[2][0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"--text": None}, "give --text"),
        ({"--text": "  "}, "give --text"),
        ({"--lang": None}, "--lang is missing: this voice reads en, zh"),
        ({"--lang": "tlh"}, "--lang is 'tlh'"),
        ({"--name": "../up"}, "--name '../up'"),
        ({"--audio": "no-such.wav"}, "no-such.wav"),
    ],
)
def test_what_is_missing_is_said_at_once(bundles, recording, call, change, says):
    folder = bundles("classic")
    before = contents(folder)
    given = {"--audio": recording, "--text": TEXT, "--lang": "en"} | change
    arguments = [part for name, value in given.items() if value is not None for part in (name, value)]
    code, out, err = call(folder, *arguments)
    assert (code, out, len(err)) == (2, "", 1)
    assert says in err[0]
    assert contents(folder) == before


def test_a_voice_that_cannot_enroll(classic_bundle, recording, call):
    code, _, err = call(classic_bundle, "--audio", recording)
    assert (code, len(err)) == (1, 1)
    assert "can't enroll" in err[0]


@pytest.mark.parametrize(
    ("sound", "says"),
    [
        (clean(2.9), "2.90 s"),
        (clean(10.1), "10.10 s"),
        (speech() + noise(speech(), 8.0), "signal-to-noise ratio"),
        (np.clip(speech() * 12, -0.7, 0.7), "clipping"),
        (np.zeros(24_000 * 4, np.float32), "nearly all is silence"),
    ],
)
def test_refused_recordings(bundles, tmp_path, call, sound, says):
    folder = bundles("own")
    before = contents(folder)
    bad = write(tmp_path / "bad.wav", sound)
    code, out, err = call(folder, "--audio", bad)
    assert (code, out, len(err)) == (2, "", 1)
    assert err[0].startswith(f"edgetts-build: {bad}: ")
    assert says in err[0]
    assert contents(folder) == before


def test_refused_recordings_are_drawn_too(bundles, recording, tmp_path, call):
    report = tmp_path / "out" / "report.html"
    short = write(tmp_path / "short.wav", clean(0.5))
    code, _, err = call(bundles("own"), "--audio", recording, "--also", short, "--report", report)
    assert (code, len(err)) == (2, 1)
    assert err[0].startswith(f"edgetts-build: {short}: length 0.50 s")
    page = report.read_text(encoding="utf-8")
    assert page.index("This will do.") < page.index("This will not do.")


def test_a_folder_without_a_slash(bundles, recording, call, monkeypatch):
    monkeypatch.chdir(bundles("own").parent)
    code, out, _ = call("own", "--audio", recording)
    assert code == 0
    assert "--voice " in out
    assert "ref" in open_bundle(bundles("own")).manifest.speakers
    code, _, err = call("owl", "--audio", recording)
    assert code == 1
    assert "owl" in err[0]


def test_what_could_be_better_is_said(bundles, tmp_path, call):
    hissing = write(tmp_path / "hissing.wav", speech() + noise(speech(), 22.0))
    code, out, err = call(bundles("own"), "--audio", hissing)
    assert code == 0
    assert "hissing is enrolled" in out
    assert len(err) == 1
    assert "signal-to-noise ratio" in err[0]
    assert "30 dB or more" in err[0]


def test_other_words_than_those_in_the_recording(bundles, recording, hubert, call):
    arguments = (bundles("classic"), "--audio", recording, "--lang", "en", "--hubert", hubert, "--text")
    code, _, err = call(*arguments, "Yes.")
    assert code == 0
    assert "too little text" in err[0]


def test_chinese_has_text_features(bundles, recording, hubert, call, monkeypatch):
    from edge_tts.text import Segment, Sentence

    segments = (Segment("zh", "你好.", ("n", "i3", "h", "ao3", "."), (2, 2, 1)), Segment("en", "", ("OW1", "."), ()))
    phones = tuple(phone for segment in segments for phone in segment.phones)
    sentence = Sentence("你好. Oh.", "", phones, (5, 2), segments)
    monkeypatch.setattr("build_engines.enroll.pipeline.gpt_sovits.sentences", lambda text, language: [sentence])
    folder = bundles("classic")
    arguments = ("--audio", recording, "--text", "你好. Oh.", "--lang", "zh", "--hubert", hubert)
    assert call(folder, *arguments)[0] == 0
    rows = open_bundle(folder).speaker("ref").prompt_features
    assert rows.shape == (7, F)
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[1], rows[2])
    assert rows[:5].any(axis=1).all()
    assert not rows[5:].any()


def test_tokens_fit_the_format(bundles, recording, hubert, call):
    folder = bundles("classic")
    assert call(folder, "--audio", recording, "--text", TEXT, "--lang", "en", "--hubert", hubert)[0] == 0
    tensors = load_file(folder / "speakers" / "ref.safetensors")
    assert set(tensors) == {
        "prompt_semantic", "prompt_phones", "prompt_features", "features", "ge", "latents_condition",
        "vocoder_condition",
    }  # fmt: skip
    assert tensors["prompt_semantic"].dtype == np.int64
    assert tensors["prompt_semantic"].max() < V - 1
