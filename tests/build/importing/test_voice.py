"""A genuine voice from checkpoints to sound, against what GPT-SoVITS's own code computes.

The bundles are imported from the tiny reference checkpoints; everything after that is the shipped code path.
"""

import json
import lzma
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

from build_engines.checkpoint import CheckpointError
from build_engines.cli import main
from build_engines.errors import BuildError
from build_engines.importing.voice import ImportPlan, import_voice
from edge_tts import Voice
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import ParameterError, SpeakerNotFoundError
from edge_tts.graphs import load_graphs
from edge_tts.sovits.latents import WholeLatents
from edge_tts.sovits.stream import AcousticStream
from edge_tts.sovits.vocoder import VocoderStream
from edge_tts.synthesis import Synthesizer, Utterance
from edge_tts.text import front_end
from tests.tiny_bundle import read_manifest, write_manifest

VERSIONS = ("v1", "v2", "v2Pro", "v2ProPlus")
SAMPLES_PER_FRAME = 640
SPEEDS = {"long_n0": 1.0, "long_speed0.8_n0": 0.8, "long_speed1.25_n0": 1.25, "short_n0": 1.0}


@pytest.fixture(scope="module")
def unpacked(reference, tmp_path_factory):
    """The acoustic checkpoints, decompressed once."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def unpack(version):
        path = folder / f"s2_{version}.pth"
        if not path.exists():
            path.write_bytes(lzma.decompress((reference / f"ckpt/s2_{version}_tiny_e8_s96.pth.xz").read_bytes()))
        return path

    return unpack


def plan(reference, unpacked, target, version, gpt=None):
    kind = gpt or ("v1" if version == "v1" else "v2")
    return ImportPlan(reference / f"ckpt/s1_{kind}_tiny-e15.ckpt", unpacked(version), target, "made")


class Imported:
    """A bundle with its loaded graphs and the goldens of its checkpoint."""

    def __init__(self, folder, version, reference):
        self.folder, self.bundle = folder, open_bundle(folder)
        self.graphs = load_graphs(self.bundle, OnnxEngine())
        self.arrays = np.load(reference / f"golden/golden_s2_{version}_tiny_e8_s96.npz")
        entries = json.loads((reference / "manifest.json").read_text())["files"]
        self.limits = entries[f"golden/golden_s2_{version}_tiny_e8_s96.npz"]["arrays"]

    def speaker(self, ge):
        """Speaker tokens with the folded conditions of ge [G]."""
        graph, _ = self.bundle.graph(self.bundle.manifest.enrollment["condition"])
        made = OnnxEngine().load("condition", graph).run({"ge": ge.reshape(1, -1)})
        tensors = {
            "prompt_semantic": np.zeros(0, np.int64), "prompt_phones": np.zeros(0, np.int64),
            "prompt_features": np.zeros((0, 1024), np.float32), "features": np.zeros(1024, np.float32),
            "ge": ge.reshape(-1), **{name: value[0] for name, value in made.items()},
        }  # fmt: skip
        (self.folder / "speakers").mkdir(exist_ok=True)
        save_file(tensors, self.folder / "speakers/ann.safetensors")
        manifest = read_manifest(self.folder)
        manifest["speakers"] = {
            "ann": {"file": "speakers/ann.safetensors", "language": "en", "description": "a reference"}
        }
        manifest["default_speaker"] = "ann"
        write_manifest(self.folder, manifest)
        return open_bundle(self.folder).speaker("ann")


@pytest.fixture(scope="module", params=VERSIONS)
def imported(request, reference, unpacked, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / request.param
    import_voice(plan(reference, unpacked, folder, request.param))
    voice = Imported(folder, request.param, reference)
    voice.ann = voice.speaker(voice.arrays["ge_a"])
    return voice


def floor(imported, name):
    entry = imported.limits[name]
    return max(entry["floor"], entry["floor_other_kernels"])


@pytest.mark.parametrize("case", SPEEDS)
def test_the_sound_is_the_original_programs(imported, case):
    """Through `AcousticStream`, without noise; its fades are left out of the comparison."""
    arrays = imported.arrays
    codes, phones = (arrays[f"{case.split('_')[0]}_{name}"].reshape(-1) for name in ("codes", "phones"))
    acoustic = imported.graphs.acoustic
    quiet = replace(acoustic, spec=replace(acoustic.spec, noise_scale=0.0))
    expected = arrays[f"{case}_audio"].reshape(-1)
    for sizes in ((1000,), (4, 8, 16), (1,)):
        stream = AcousticStream(quiet, phones, imported.ann, 1, 0, SPEEDS[case], sizes=sizes)
        assert not list(stream.advance(codes.tolist()[:3], None, final=False))
        audio = np.concatenate(list(stream.advance(codes.tolist(), None, final=True)))
        assert audio.shape == expected.shape
        inner = slice(200, -200)
        assert np.abs(audio - expected)[inner].max() <= 10 * floor(imported, f"{case}_audio")


@pytest.mark.parametrize("case", ["short_n05", "long_n05"])
def test_the_sound_with_the_original_programs_noise(imported, case):
    arrays = imported.arrays
    codes, phones = (arrays[f"{case.split('_')[0]}_{name}"].reshape(-1) for name in ("codes", "phones"))
    acoustic, speaker = imported.graphs.acoustic, imported.ann
    noise = arrays[f"eps_{case}"][0].T
    fixed = {"phones": phones[None], "condition": speaker.latents_condition[None]}
    latents = WholeLatents(acoustic.latents, acoustic.spec, fixed, lambda a, b: noise[a:b], 1.0)
    z = latents.take(codes.tolist(), None, len(codes))
    assert np.abs(z - arrays[f"{case}_z_after_flow"][0]).max() <= 10 * floor(imported, f"{case}_z_after_flow")
    vocoder = VocoderStream(acoustic.vocoder, acoustic.spec, speaker.vocoder_condition, lambda a, b: noise)
    audio = np.concatenate([vocoder.push(z[:, at : at + 7], at + 7 >= z.shape[1]) for at in range(0, z.shape[1], 7)])
    assert np.abs(audio - arrays[f"{case}_audio"].reshape(-1)).max() <= 10 * floor(imported, f"{case}_audio")


@pytest.mark.parametrize("sizes", [(1,), (2, 3), (4, 8, 16, 32, 48), (13,)])
def test_windows_are_inaudible(imported, sizes):
    acoustic = imported.graphs.acoustic
    codes = np.random.default_rng(4).integers(0, 1024, 75).tolist()

    def speak(sizes):
        stream = AcousticStream(acoustic, np.arange(1, 30), imported.ann, 1, 0, sizes=sizes)
        return np.concatenate(list(stream.advance(codes, None, final=True))).astype(np.float64)

    whole, cut = speak((1000,)), speak(sizes)
    assert 10 * np.log10((whole**2).sum() / max(((whole - cut) ** 2).sum(), 1e-30)) >= 60


def test_a_voice_speaks(imported):
    voice = Voice.load(imported.folder)
    assert voice.sample_rate == 32_000
    chunks = list(voice.synthesize("Two boats.", seed=3))
    assert sum(len(chunk.samples) for chunk in chunks) >= 11 * 2 * SAMPLES_PER_FRAME
    assert all(np.isfinite(chunk.samples).all() for chunk in chunks)


@pytest.mark.parametrize(
    ("text", "language"),
    [("你好，世界。", "zh"), ("我喜欢 jazz 音乐。", "zh"), ("Two boats. 两只船。", "auto"), ("Two boats.", "en")],
)
def test_languages(imported, text, language):
    voice = Voice.load(imported.folder)
    chunks = list(voice.synthesize(text, language=language, seed=3))
    assert sum(len(chunk.samples) for chunk in chunks) >= 11 * 2 * SAMPLES_PER_FRAME


@pytest.mark.parametrize("language", ["de", "", "all_de", "yue " * 20])
def test_a_language_that_it_was_not_trained_on(imported, language):
    with pytest.raises(ParameterError, match=r"does not speak .*: choose zh, en, ja"):
        Voice.load(imported.folder).synthesize("Hallo.", language=language)


def test_v1_voices_speak_no_korean(imported):
    voice = Voice.load(imported.folder)
    assert ("ko" in voice.languages) == (imported.bundle.manifest.symbols == "gpt-sovits-v2")


def test_text_features_reach_the_gpt(reference, unpacked, tmp_path):
    transformers = pytest.importorskip("transformers")
    bert = tmp_path / "bert"
    characters = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *",.!?…-你好世界"]
    config = transformers.BertConfig(
        vocab_size=len(characters), hidden_size=1024, num_hidden_layers=3, num_attention_heads=16, intermediate_size=64
    )
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(bert)
    (bert / "vocab.txt").write_text("\n".join(characters) + "\n", encoding="utf-8")
    import_voice(replace(plan(reference, unpacked, tmp_path / "made", "v2"), bert=bert))
    graphs = load_graphs(open_bundle(tmp_path / "made"), OnnxEngine())
    (sentence,) = front_end("你好，hello。", "zh")
    zeros = SimpleNamespace(features=np.zeros(1024, np.float32))
    utterance = Utterance("", np.zeros(len(sentence.phones), np.int64), (), sentence.segments)
    rows = Synthesizer(graphs, open_bundle(tmp_path / "made").manifest).features(utterance, zeros)
    chinese = len(sentence.segments[0].phones)
    assert sentence.segments[0].language == "zh"
    assert np.abs(rows[:chinese]).max(axis=1).min() > 0
    english = slice(chinese, chinese + len(sentence.segments[1].phones))
    assert sentence.segments[1].language == "en"
    assert not rows[english].any()


def test_no_speaker_yet(reference, unpacked, tmp_path):
    import_voice(plan(reference, unpacked, tmp_path / "made", "v2"))
    with pytest.raises(SpeakerNotFoundError, match="has no speaker yet: run edgetts-build enroll"):
        Voice.load(tmp_path / "made").synthesize("Hello.")
    manifest = read_manifest(tmp_path / "made")
    assert manifest["default_speaker"] is None
    assert manifest["model"] == {"family": "gpt-sovits", "version": "v2"}
    assert "gpt.weights" in {path.rsplit("/")[-1] for path in manifest["files"]}


def test_what_does_not_go_together(reference, unpacked, tmp_path):
    with pytest.raises(BuildError, match=r"v1 GPT and .* v2 acoustic model"):
        import_voice(plan(reference, unpacked, tmp_path / "made", "v2", gpt="v1"))
    assert not list(tmp_path.iterdir())


def test_a_bundle_is_not_replaced_unasked(reference, unpacked, tmp_path):
    (tmp_path / "made").mkdir()
    wanted = plan(reference, unpacked, tmp_path / "made", "v2")
    with pytest.raises(BuildError, match="exists: choose another folder, or add --force"):
        import_voice(wanted)
    import_voice(replace(wanted, replace=True))
    assert (tmp_path / "made" / "manifest.json").exists()


def test_what_is_no_bundle_is_never_replaced(reference, unpacked, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/to_ann.txt").write_text("Dear Ann")
    with pytest.raises(BuildError, match="is not a bundle, so it is not replaced"):
        import_voice(replace(plan(reference, unpacked, tmp_path / "letters", "v2"), replace=True))
    assert (tmp_path / "letters/to_ann.txt").read_text() == "Dear Ann"
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


@pytest.mark.parametrize("change", [{"name": "no/such name"}, {"bert": "nowhere"}])
def test_wrong_arguments_write_nothing(reference, unpacked, tmp_path, change):
    if "bert" in change:
        change = {"bert": tmp_path / change["bert"]}
    with pytest.raises(BuildError):
        import_voice(replace(plan(reference, unpacked, tmp_path / "made", "v2"), **change))
    assert not list(tmp_path.iterdir())


def test_malformed_checkpoints_are_refused(reference, tmp_path, capsys):
    """Every file that a careful loader must refuse: one line, exit code 2, nothing written."""
    entries = json.loads((reference / "manifest.json").read_text())["files"]
    gpt, refused = reference / "ckpt/s1_v2_tiny-e15.ckpt", 0
    for name, entry in entries.items():
        if not name.startswith("bad/") or not entry["careful_loader"].startswith("reject"):
            continue
        bad = reference / name
        if bad.suffix == ".xz":
            bad = tmp_path / bad.stem
            bad.write_bytes(lzma.decompress((reference / name).read_bytes()))
        files = ["--gpt", bad, "--sovits", gpt] if bad.suffix == ".ckpt" else ["--gpt", gpt, "--sovits", bad]
        target = tmp_path / "folder" / "made"
        assert main(["import", *map(str, files), "-o", str(target)]) == 2, name
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("edgetts-build: ") and bad.name in line
        assert not target.parent.exists()
        refused += 1
        if bad.parent == tmp_path:
            bad.unlink()
    assert refused == 31


def test_a_refused_checkpoint_writes_nothing(reference, tmp_path, capsys):
    gpt = str(reference / "ckpt/s1_v2_tiny-e15.ckpt")
    bad = str(reference / "bad/html.pth")
    assert main(["import", "--gpt", gpt, "--sovits", bad, "-o", str(tmp_path / "made")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("edgetts-build: ") and "html.pth" in lines[-1]
    assert not list(tmp_path.iterdir())
    with pytest.raises(CheckpointError):
        import_voice(ImportPlan(reference / "bad/nan_weight.ckpt", reference / "bad/html.pth", tmp_path / "x", "x"))
    assert not list(tmp_path.iterdir())
