"""edge_tts.bundle: every way in which a bundle can be wrong is one BundleError with one line."""

import json
import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from edge_tts.bundle import installed, locate, open_bundle, parse_manifest, search_path
from edge_tts.bundle.external import external_files
from edge_tts.bundle.manifest import MAX_MANIFEST_BYTES
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import BundleError, VoiceNotFoundError
from edge_tts.graphs import load_graphs
from tests.tiny_bundle import CONTEXT, make_bundle, read_manifest, speaker_tensors, write_manifest

FILES = [
    "graphs/gpt_prefill.onnx",
    "graphs/gpt_step.onnx",
    "graphs/latents.onnx",
    "graphs/vocoder.onnx",
    "speakers/ada.safetensors",
    "speakers/bob.safetensors",
    "golden/latents.npz",
    "card.md",
]


def load(folder):
    """What Voice.load does with a bundle."""
    bundle = open_bundle(folder)
    graphs = load_graphs(bundle, OnnxEngine())
    return bundle, graphs, {name: bundle.speaker(name) for name in bundle.manifest.speakers}


def refused(folder, *words):
    with pytest.raises(BundleError) as caught:
        load(folder)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 500
    for word in words:
        assert word in message
    return message


def test_a_sound_bundle_loads(tiny_bundle):
    bundle, graphs, speakers = load(tiny_bundle)
    assert set(bundle.manifest.files) == set(FILES)
    assert bundle.manifest.gpt.max_context == CONTEXT
    assert set(speakers) == {"ada", "bob"} and graphs.gpt.has_pointer


def test_the_classic_interfaces_load(classic_bundle):
    _, graphs, speakers = load(classic_bundle)
    assert not graphs.gpt.has_pointer and len(speakers["ada"].prompt_semantic) == 7


def test_making_a_bundle_is_deterministic(tiny_bundle, tmp_path):
    assert open_bundle(make_bundle(tmp_path / "again")).id == open_bundle(tiny_bundle).id


@pytest.mark.parametrize("file", FILES)
def test_one_flipped_byte(bundle_copy, file):
    raw = bytearray((bundle_copy / file).read_bytes())
    raw[len(raw) // 2] ^= 1
    (bundle_copy / file).write_bytes(raw)
    refused(bundle_copy, file, "SHA-256")


@pytest.mark.parametrize("file", FILES)
def test_truncated(bundle_copy, file):
    raw = (bundle_copy / file).read_bytes()
    (bundle_copy / file).write_bytes(raw[:-1])
    refused(bundle_copy, file, f"{len(raw) - 1} bytes")


@pytest.mark.parametrize("file", FILES)
def test_missing(bundle_copy, file):
    (bundle_copy / file).unlink()
    refused(bundle_copy, file, "missing")


@pytest.mark.parametrize("file", FILES)
def test_grown(bundle_copy, file):
    with (bundle_copy / file).open("ab") as handle:
        handle.write(bytes(1000))
    refused(bundle_copy, file, "bytes")


@pytest.mark.parametrize("name", ["extra.txt", "graphs/.hidden", "speakers/eve.safetensors"])
def test_unlisted_file(bundle_copy, name):
    (bundle_copy / name).write_bytes(b"x")
    refused(bundle_copy, name, "not listed")


def test_every_byte_of_the_manifest_is_in_the_id(bundle_copy):
    before = open_bundle(bundle_copy).id
    text = (bundle_copy / "manifest.json").read_text()
    (bundle_copy / "manifest.json").write_text(text + "\n")
    assert open_bundle(bundle_copy).id != before


def test_a_folder_without_manifest_and_no_folder_at_all(tmp_path):
    refused(tmp_path, "manifest.json")
    refused(tmp_path / "nothing", "not a folder")


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "a list"),
        (b"null", "null"),
        (b"[" * 100_000, "JSON"),
        (b'{"format": ' + b"9" * 5000 + b"}", "manifest.json"),
        (b'{"format": "edge-tts-bundle", "format_version": NaN}', "format_version"),
        (b" " * (MAX_MANIFEST_BYTES + 1), "larger"),
    ],
)
def test_not_a_manifest(bundle_copy, raw, word):
    (bundle_copy / "manifest.json").write_bytes(raw)
    refused(bundle_copy, "manifest.json", word)


WRONG = [
    ("format", "zip", "not a bundle"),
    ("format_version", 1, "this program reads 2"),
    ("format_version", "1", "an integer"),
    ("format_version", True, "an integer"),
    ("name", "../evil", "letters"),
    ("name", "", "characters"),
    ("sample_rate", 22050, "24000"),
    ("sample_rate", 24000.5, "an integer"),
    ("sample_rate", 10**30, "a huge integer"),
    ("token_rate_hz", "25", "a number"),
    ("token_rate_hz", float("nan"), "nan"),
    ("token_rate_hz", float("inf"), "inf"),
    ("languages", "en", "a list"),
    ("languages", [1], "strings"),
    ("model.family", None, "null"),
    ("gpt.eos", 3, "vocab_size - 1"),
    ("gpt.layers", 0, "1..256"),
    ("gpt.max_context", 1 << 40, "max_context"),
    ("decoder.latent_context_tokens", -1, "0..1000"),
    ("sampling.top_p", 1.5, "0..1"),
    ("sampling.top_k", 0, "top_k"),
    ("sampling", [], "an object"),
    ("default_speaker", "eve", "does not list"),
    ("default_speaker", None, "must name one"),
    ("symbols", "mine", "gpt-sovits-v2"),
    ("adapters.max_rank", -1, "max_rank"),
    ("adapters.targets", [1], "strings"),
    ("enrollment", {"reference": {"file": "enroll/x.onnx", "inputs": {}, "outputs": {}}}, "does not list"),
    ("text_features", {"zh": {"graph": {"file": "a", "inputs": {}, "outputs": {}}}}, "vocabulary"),
    ("speakers.ada.file", "speakers/eve.safetensors", "does not list"),
    ("speakers.ada", "x", "an object"),
    ("graphs.latents.file", "graphs/other.onnx", "does not list"),
    ("graphs.latents.inputs.codes.dtype", "complex64", "one of"),
    ("graphs.latents.inputs.codes.shape", [1, -1], "sizes"),
    ("graphs.latents.inputs.codes.shape", [[1]], "sizes"),
    ("graphs.latents.inputs." + "x" * 50_000, 1, "an object"),
    ("files", [], "an object"),
    ("files.card~md", {"sha256": "0" * 63, "bytes": 1}, "hexadecimal"),
    ("files.card~md", {"sha256": "0" * 64, "bytes": -1}, "bytes"),
    ("files.card~md", {"sha256": "0" * 64, "bytes": 1 << 50}, "bytes"),
]


def bend(manifest, path, value):
    *parents, last = [part.replace("~", ".") for part in path.split(".")]
    for parent in parents:
        manifest = manifest[parent]
    manifest[last] = value


@pytest.mark.parametrize(("path", "value", "word"), WRONG)
def test_wrong_values(bundle_copy, path, value, word):
    manifest = read_manifest(bundle_copy)
    bend(manifest, path, value)
    (bundle_copy / "manifest.json").write_text(json.dumps(manifest))
    refused(bundle_copy, word, path.split(".")[0])


def keys_of(tree, path=()):
    for key, value in tree.items():
        yield (*path, key)
        if isinstance(value, dict) and key != "provenance":
            yield from keys_of(value, (*path, key))


def test_every_key_is_needed(bundle_copy):
    """Removing any key is refused, or names a thing that is gone."""
    original = (bundle_copy / "manifest.json").read_text()
    for path in keys_of(json.loads(original)):
        if (
            path == ("provenance", "made_by")
            or (path[0] == "adapters" and len(path) > 1)
            or path == ("speakers", "bob")
        ):
            continue
        manifest = json.loads(original)
        parent = manifest
        for part in path[:-1]:
            parent = parent[part]
        del parent[path[-1]]
        (bundle_copy / "manifest.json").write_text(json.dumps(manifest))
        refused(bundle_copy)


def test_unknown_top_level_keys_are_ignored(bundle_copy):
    manifest = read_manifest(bundle_copy)
    manifest["later"] = {"anything": 1}
    (bundle_copy / "manifest.json").write_text(json.dumps(manifest))
    load(bundle_copy)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "graphs/../../x", "./card.md", "a//b", "C:\\x", "a\\b", "", "x\n", "manifest.json"]
)
def test_paths_stay_inside(bundle_copy, path):
    manifest = read_manifest(bundle_copy)
    manifest["files"][path] = {"sha256": "0" * 64, "bytes": 0}
    (bundle_copy / "manifest.json").write_text(json.dumps(manifest))
    refused(bundle_copy, "inside the bundle")


def test_a_link_out_of_the_bundle(bundle_copy, tmp_path):
    outside = (bundle_copy / "card.md").rename(tmp_path / "card.md")
    (bundle_copy / "card.md").symlink_to(outside)
    refused(bundle_copy, "leads out")


def test_a_folder_link_out_of_the_bundle(bundle_copy, tmp_path):
    outside = (bundle_copy / "graphs").rename(tmp_path / "graphs")
    (bundle_copy / "graphs").symlink_to(outside)
    refused(bundle_copy, "graphs")


def test_a_loop_of_links(bundle_copy):
    (bundle_copy / "card.md").unlink()
    (bundle_copy / "card.md").symlink_to("card.md")
    refused(bundle_copy, "card.md")


def test_a_named_pipe_does_not_hang(bundle_copy):
    (bundle_copy / "card.md").unlink()
    os.mkfifo(bundle_copy / "card.md")
    refused(bundle_copy, "not a regular file")


def test_a_folder_in_a_files_place(bundle_copy):
    (bundle_copy / "card.md").unlink()
    (bundle_copy / "card.md").mkdir()
    refused(bundle_copy, "card.md")


def test_external_data_is_used_when_listed(tmp_path, tiny_bundle):
    folder = make_bundle(tmp_path / "external", external=True)
    bundle, graphs, _ = load(folder)
    assert "graphs/latents.data" in bundle.manifest.files
    assert external_files((folder / "graphs/latents.onnx").read_bytes()) == {"latents.data"}
    feeds = {
        "codes": np.arange(9)[None],
        "phones": np.arange(5)[None],
        "align": np.zeros((1, 9), np.int64),
        "condition": np.ones((1, 7), np.float32),
    }
    inside = load(tiny_bundle)[1].acoustic.latents.run(feeds)["z"]
    np.testing.assert_array_equal(graphs.acoustic.latents.run(feeds)["z"], inside)


@pytest.mark.parametrize("location", ["../../secret", "/etc/passwd", "other.data"])
def test_external_data_must_be_listed(tmp_path, location):
    import onnx

    folder = make_bundle(tmp_path / "external", external=True)
    path = folder / "graphs/latents.onnx"
    model = onnx.load_model_from_string(path.read_bytes())
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(model.SerializeToString())
    write_manifest(folder, read_manifest(folder))
    refused(folder, "does not list")


def test_a_flipped_byte_in_external_data(tmp_path):
    folder = make_bundle(tmp_path / "external", external=True)
    raw = bytearray((folder / "graphs/latents.data").read_bytes())
    raw[-1] ^= 128
    (folder / "graphs/latents.data").write_bytes(raw)
    refused(folder, "latents.data", "SHA-256")


@pytest.mark.parametrize("raw", [b"\xff" * 20, b"\x3a\x7f", b"\x3a", b"\x0f" + bytes(9)])
def test_protobuf_that_is_none(raw):
    with pytest.raises(BundleError):
        external_files(raw)


@pytest.mark.parametrize(
    ("bent", "word"),
    [
        ({"ge": None}, "'ge'"),
        ({"latents_condition": np.zeros(4, np.float32)}, "'latents_condition' has 4 values, not 7"),
        ({"vocoder_condition": np.zeros(7, np.float32)}, "'vocoder_condition' has 7 values, not 3"),
        ({"vocoder_condition": np.full(3, np.inf, np.float32)}, "finite"),
        ({"ge": np.zeros(5, np.float64)}, "float64"),
        ({"ge": np.full(5, np.nan, np.float32)}, "finite"),
        ({"features": np.zeros((1, 4), np.float32)}, "'features'"),
        ({"features": np.zeros(9, np.float32)}, "'features'"),
        ({"prompt_features": np.zeros((2, 4), np.float32)}, "prompt phones"),
        ({"prompt_semantic": np.array([64])}, "outside 0..63"),
        ({"prompt_semantic": np.array([-1])}, "outside"),
        ({"prompt_phones": np.array([-1]), "prompt_features": np.zeros((1, 4), np.float32)}, "negative"),
    ],
)
def test_speaker_files(bundle_copy, bent, word):
    tensors = {**speaker_tensors(0, False), **bent}
    save_file({k: v for k, v in tensors.items() if v is not None}, bundle_copy / "speakers/ada.safetensors")
    write_manifest(bundle_copy, read_manifest(bundle_copy))
    refused(bundle_copy, "ada.safetensors", word)


@pytest.mark.parametrize("raw", [b"", b"\x80\x04N.", b"\xff" * 64, b"\x02" + bytes(7) + b"{}"])
def test_a_speaker_file_that_is_no_safetensors(bundle_copy, raw):
    (bundle_copy / "speakers/ada.safetensors").write_bytes(raw)
    write_manifest(bundle_copy, read_manifest(bundle_copy))
    refused(bundle_copy, "ada.safetensors")


def test_names_and_paths(bundle_copy, tmp_path, monkeypatch):
    folders = search_path({"EDGETTS_VOICES": f"{tmp_path}{os.pathsep}/nowhere"}, tmp_path / "home")
    assert folders[1] == tmp_path and folders[-1] == tmp_path / "home/.local/share/edgetts/voices"
    assert installed(folders)["tiny"] == bundle_copy
    assert locate("tiny", folders) == bundle_copy
    assert locate(str(bundle_copy), ()) == locate(bundle_copy, ()) == bundle_copy
    monkeypatch.chdir(tmp_path)
    assert locate("./tiny", ()).resolve() == bundle_copy
    for unknown in ("tinny", "", "tiny\0", "./nothing", "/no/such/folder", "/" + "x" * 5000):
        with pytest.raises(VoiceNotFoundError):
            locate(unknown, folders)
    with pytest.raises(VoiceNotFoundError, match=r"installed: .*tiny"):
        locate("tinny", folders)


def test_a_manifest_parses_without_any_file(tiny_bundle):
    manifest = parse_manifest((tiny_bundle / "manifest.json").read_bytes())
    assert manifest.sampling.top_k == 5 and manifest.decoder.samples_per_frame == 240
