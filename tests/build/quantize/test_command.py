"""`edgetts-build quantize` and `dequantize` as a person calls them: a voice that speaks, or one line and no trace."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from build_engines.bundles.writer import graph_entry
from build_engines.cli import main
from build_engines.forced import ForcedVoice
from build_engines.quantize import pipeline, write
from build_engines.quantize.kv_cache import computes_int8_cache
from build_engines.quantize.measure import Trial
from build_engines.quantize.quantize import Plan, quantize
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from tests.build.quantize.voices import TEXT, contents, ignore
from tests.tiny_bundle import read_manifest, write_manifest

INT8_OPERATORS = {"MatMulInteger", "QLinearConv"}
CPU = ("--target", "cpu", "--kv-cache", "float32")
TOKENS = 40  # of a sentence that calibrates


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home folder without any voices."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr(Path, "home", lambda: folder)
    for name in ("EDGETTS_VOICES", "EDGETTS_ERES2NET"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="module", autouse=True)
def short():
    """Sentences break off early, so that calibration takes a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "_TOKENS", TOKENS)
        yield


@pytest.fixture
def place(tmp_path):
    """Where bundles are made; nothing else lies there."""
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """One short sentence."""
    file = tmp_path_factory.mktemp("texts") / "text.txt"
    file.write_text(f"{TEXT}\n", encoding="utf-8")
    return file


@pytest.fixture
def call(capsys, text):
    """Runs `quantize` with that text and no certification; returns (exit code, stdout, the lines of stderr)."""

    def run(command, bundle, output, *more, text=text):
        arguments = [command, str(bundle), "-o", str(output), *map(str, more)]
        if command == "quantize":
            arguments += ["--no-certify", "--text", str(text)]
        code = main(arguments)
        shown = capsys.readouterr()
        return code, shown.out, [line for line in shown.err.splitlines() if line.strip()]

    return run


def quantized(source, target, text, *more):
    assert main(["quantize", str(source), "-o", str(target), "--no-certify", "--text", str(text), *more]) == 0
    return target


@pytest.fixture(scope="module")
def counted(genuine_voice, text, short, tmp_path_factory):
    """The genuine voice in INT8 for both targets, and how many measurements that took."""
    with pytest.MonkeyPatch.context() as patch:
        stopwatch = Stopwatch(patch)
        folder = quantized(genuine_voice, tmp_path_factory.mktemp("int8") / "both", text)
    return folder, stopwatch.count


@pytest.fixture(scope="module")
def made(counted):
    """The genuine voice in INT8 for both targets; not to be changed."""
    return counted[0]


@pytest.fixture(scope="module")
def made_distilled(distilled_voice, text, short, tmp_path_factory):
    """The distilled voice for a CPU alone; not to be changed."""
    return quantized(distilled_voice, tmp_path_factory.mktemp("int8") / "distilled", text, *CPU)


@pytest.fixture(scope="module")
def made_cpu(genuine_voice, text, short, tmp_path_factory):
    """For a CPU alone; not to be changed."""
    return quantized(genuine_voice, tmp_path_factory.mktemp("int8") / "cpu", text, *CPU)


def changed(bundle, target, name, change):
    """A copy of a bundle whose graph `name` was changed."""
    shutil.copytree(bundle, target)
    path = target / "graphs" / f"{name}.onnx"
    model = onnx.load(str(path), load_external_data=False)
    change(model)
    onnx.save(model, str(path))
    manifest = read_manifest(target)
    manifest["graphs"][name] = graph_entry(target, f"graphs/{name}.onnx")
    write_manifest(target, manifest)
    return target


def kinds(path):
    return {node.op_type for node in onnx.load(str(path), load_external_data=False).graph.node}


def spoken(folder):
    """A second of sound, by the runtime's code but for the guard: what random weights say never ends."""
    voice = ForcedVoice(open_bundle(folder), OnnxEngine())
    speaker = voice.speakers[0]
    (utterance,) = voice.read(TEXT, speaker)
    drawn = voice.draw(utterance, speaker, 0, 25)
    assert drawn.tokens
    return voice.sound(voice.latents(utterance, speaker, drawn, 0), speaker, 0)


def refused(place, code, err, before=()):
    """The one line; nothing has been left behind."""
    assert code == 1
    assert len(err) == 1, err
    assert err[0].startswith("edgetts-build: ")
    assert sorted(path.name for path in place.iterdir()) == sorted(before)
    return err[0].removeprefix("edgetts-build: ")


# What comes out


def test_what_is_said(genuine_voice, place, call):
    before, target = contents(genuine_voice), place / "int8"
    code, out, err = call("quantize", genuine_voice, target, *CPU)
    assert (code, err) == (0, [])
    assert out == f"{target} is ready (not certified); hear it: edgetts say 'Hello.' --voice {target}\n"
    assert [path.name for path in place.iterdir()] == ["int8"]
    assert contents(genuine_voice) == before


@pytest.mark.parametrize(("voice", "int8"), [("distilled_voice", "made_distilled"), ("genuine_voice", "made_cpu")])
def test_for_a_cpu(voice, int8, request):
    source, folder = request.getfixturevalue(voice), request.getfixturevalue(int8)
    bundle = open_bundle(folder)
    bundle.verify_rest(set())
    assert bundle.manifest.quantization.source == open_bundle(source).id
    assert bundle.manifest.quantization.targets == ("cpu",)
    assert bundle.manifest.quantization.kv_cache == "float32"
    assert bundle.manifest.certificate is bundle.manifest.tensorrt is None
    assert "MatMulInteger" in kinds(folder / "graphs" / "gpt_step.onnx")
    graphs = [sum(p.stat().st_size for p in (one / "graphs").glob("gpt*")) for one in (source, folder)]
    assert graphs[1] < 0.9 * graphs[0]
    assert np.abs(spoken(folder)).max() > 0


def test_the_account(made, genuine_voice):
    account = json.loads((made / "quantization.json").read_bytes())
    assert (account["format"], account["format_version"]) == ("edge-tts-quantization", 1)
    assert account["source"] == open_bundle(genuine_voice).id
    assert set(account["targets"]) == {"cpu", "tensorrt"}
    for graphs in account["targets"].values():
        assert {"gpt_step", "latents", "vocoder"} <= set(graphs)
        for name in ("gpt_step", "latents", "vocoder"):
            assert graphs[name]["snr_db"] >= graphs[name]["bar_db"]
            assert graphs[name]["layers"]


def test_int8_where_the_account_says_so(made):
    account = json.loads((made / "quantization.json").read_bytes())["targets"]["cpu"]
    for name in ("latents", "vocoder"):
        int8 = [layer["name"] for layer in account[name]["layers"] if layer["kept"] == "int8"]
        assert bool(int8) == bool(kinds(made / "graphs" / f"{name}.onnx") & INT8_OPERATORS)
        weights = {t.name for t in onnx.load(str(made / "graphs" / f"{name}.onnx")).graph.initializer}
        for layer in account[name]["layers"]:
            assert (f"{layer['name']}_quantized" in weights) == (layer["kept"] == "int8")


def test_tensorrt_graphs_and_their_goldens(made):
    bundle = open_bundle(made)
    entry = bundle.manifest.tensorrt
    assert entry.max_rank == 16
    assert set(entry.graphs) == {"gpt_prefill", "gpt_step", "latents", "vocoder"}
    for name, graph in entry.graphs.items():
        assert graph.file == f"tensorrt/{name}.onnx"
        assert graph.profiles
        assert f"golden/tensorrt/{name}.npz" in bundle.manifest.files
        assert "com.microsoft" not in {e.domain for e in onnx.load(str(made / graph.file)).opset_import}
    assert "DequantizeLinear" in kinds(made / "tensorrt" / "gpt_step.onnx")


def test_everything_else_is_taken_over(made, genuine_voice):
    before, after = contents(genuine_voice), contents(made)
    for name in ("card.md", "speakers/ada.safetensors", "speakers/bob.safetensors"):
        assert after[name] == before[name]
    ours = {name for name in after if name.startswith(("tensorrt/", "golden/tensorrt/"))} | {"quantization.json"}
    assert set(after) - ours == set(before)
    old, new = read_manifest(genuine_voice), read_manifest(made)
    for key in set(old) - {"graphs", "files"}:
        assert new[key] == old[key]


def test_goldens_are_the_new_graphs(made):
    with np.load(made / "golden" / "gpt_prefill.npz", allow_pickle=False) as golden:
        arrays = dict(golden)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(made / "graphs" / "gpt_prefill.onnx"), options)
    logits = session.run(["logits"], {name[3:]: a for name, a in arrays.items() if name.startswith("in_")})[0]
    np.testing.assert_allclose(logits, arrays["out_logits"], atol=1e-4)


def test_weights_beside_the_graphs_are_whole(made, genuine_voice):
    """A weight of a few bytes lies beside the float graph; in the new one it must not point into the old file."""
    def alphas(folder):
        model = onnx.load(str(folder / "graphs" / "gpt_prefill.onnx"))
        return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if t.name.endswith("alpha")}

    before, after = alphas(genuine_voice), alphas(made)
    assert before
    assert set(after) == set(before)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)


def test_an_int8_cache(genuine_voice, place, call):
    """`auto` takes it for a genuine voice on a CPU, where ONNX Runtime can."""
    code, _, err = call("quantize", genuine_voice, place / "int8", "--target", "cpu")
    assert (code, err) == (0, [])
    able = computes_int8_cache(onnxruntime.__version__)
    manifest = open_bundle(place / "int8").manifest
    assert manifest.quantization.kv_cache == ("int8" if able else "float32")
    assert manifest.graphs["gpt_step"].inputs["past_key_0"].dtype == ("int8" if able else "float32")
    assert np.abs(spoken(place / "int8")).max() > 0
    if able:
        line = refused(place, *call("dequantize", place / "int8", place / "float")[::2], before=["int8"])
        assert "INT8 KV cache" in line


# The same bytes, every time


def test_the_same_bytes(genuine_voice, made, place, call):
    assert call("quantize", genuine_voice, place / "again")[0] == 0
    one, other = contents(made), contents(place / "again")
    assert {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)} == set()


def test_the_same_bytes_of_a_distilled_voice(distilled_voice, made_distilled, place, call):
    assert call("quantize", distilled_voice, place / "again", *CPU)[0] == 0
    assert contents(place / "again") == contents(made_distilled)


class Stopwatch:
    """Counts measurements, and interrupts one of them."""

    def __init__(self, monkeypatch, at=None):
        self.count, score = 0, Trial.score

        def counted(trial, *arguments, **more):
            self.count += 1
            if self.count == at:
                raise KeyboardInterrupt
            return score(trial, *arguments, **more)

        monkeypatch.setattr(Trial, "score", counted)


def test_an_interrupted_run_goes_on(genuine_voice, counted, place, call, monkeypatch):
    """The same bytes as in one go, and nothing that was found is measured again: nobody speaks a second time."""
    with monkeypatch.context() as patch:
        Stopwatch(patch, at=15)
        code, _, err = call("quantize", genuine_voice, place / "int8")
    assert code == 130
    assert err == ["edgetts-build: stopped; the same command goes on from here"]
    assert [path.name for path in place.iterdir()] == [".int8.quantize"]
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.ForcedVoice, "draw", None)
        rest = Stopwatch(patch)
        assert call("quantize", genuine_voice, place / "int8")[0] == 0
    made, whole = counted
    assert contents(place / "int8") == contents(made)
    assert [path.name for path in place.iterdir()] == ["int8"]
    assert rest.count == whole - 14


def test_an_interruption_while_it_is_written(genuine_voice, made, place, call, monkeypatch):
    with monkeypatch.context() as patch:
        def interrupted(*_, **__):
            raise KeyboardInterrupt

        patch.setattr(write, "record", interrupted)
        assert call("quantize", genuine_voice, place / "int8")[0] == 130
    assert [path.name for path in place.iterdir()] == [".int8.quantize"]
    with monkeypatch.context() as patch:
        rest = Stopwatch(patch)
        assert call("quantize", genuine_voice, place / "int8")[0] == 0
    assert rest.count == 0
    assert contents(place / "int8") == contents(made)


def test_an_interruption_before_anything_was_found(genuine_voice, place, call, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.ForcedVoice, "draw", interrupted)
    assert call("quantize", genuine_voice, place / "int8")[0] == 130
    assert not list(place.iterdir())


def test_progress_never_passes_its_end(genuine_voice, place):
    seen = []
    plan = Plan(open_bundle(genuine_voice), place / "int8", ("cpu", "tensorrt"), texts=(TEXT, "Four oars."))
    quantize(plan, lambda what, done, total: seen.append((what, done, total)), ignore)
    counted = [(done, total) for _, done, total in seen if total]
    assert len({total for _, total in counted}) == 1
    assert [done for done, _ in counted] == sorted(done for done, _ in counted)
    assert counted[-1][0] == counted[-1][1]
    assert {what for what, _, total in seen if not total} >= {"writing gpt_step", "writing gpt_step for TensorRT"}


# Where bundles lie


def test_through_links_and_names_without_a_slash(genuine_voice, made_cpu, place, call, monkeypatch):
    """Both folders are reached by links, the working folder is theirs."""
    (place / "linked").symlink_to(genuine_voice)
    (place / "real").mkdir()
    (place / "out").symlink_to(place / "real")
    monkeypatch.chdir(place)
    code, _, err = call("quantize", "./linked", "out/int8", *CPU)
    assert (code, err) == (0, [])
    assert contents(place / "real" / "int8") == contents(made_cpu)
    code, out, err = call("quantize", "./linked", "plain", *CPU)
    assert (code, err) == (0, [])
    assert "--voice ./plain" in out
    assert contents(place / "plain") == contents(made_cpu)


def test_links_inside_the_source_are_not_copied(genuine_voice, tmp_path, place, call, monkeypatch):
    """A file that is a link to another one of the bundle: the new one has the file, also where it could share it."""
    monkeypatch.setattr("build_engines.quantize.bundle._LARGE_BYTES", 1)
    source = tmp_path / "source"
    shutil.copytree(genuine_voice, source)
    shutil.move(source / "card.md", source / "speakers" / "card.md")
    (source / "card.md").symlink_to(Path("speakers") / "card.md")
    write_manifest(source, read_manifest(source))
    code, _, err = call("quantize", source, place / "int8", *CPU)
    assert (code, err) == (0, [])
    assert not any(path.is_symlink() for path in (place / "int8").rglob("*"))
    assert (place / "int8" / "card.md").samefile(source / "speakers" / "card.md")
    assert np.abs(spoken(place / "int8")).max() > 0


def test_a_read_only_source(genuine_voice, made_cpu, tmp_path, place, call):
    source = Path(shutil.copytree(genuine_voice, tmp_path / "source"))
    for path in (*source.rglob("*"), source):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        code, _, err = call("quantize", source, place / "int8", *CPU)
        assert (code, err) == (0, [])
        assert contents(place / "int8") == contents(made_cpu)
        assert contents(source) == contents(genuine_voice)
    finally:
        for path in (source, *source.rglob("*")):
            path.chmod(0o755)


def test_a_parent_that_is_not_there_yet(genuine_voice, place, call):
    target = place / "deep" / "er" / "int8"
    assert call("quantize", genuine_voice, target, *CPU)[0] == 0
    assert [path.name for path in target.parent.iterdir()] == ["int8"]


def test_force_replaces_a_bundle(genuine_voice, made_cpu, place, call):
    shutil.copytree(genuine_voice, place / "int8")
    assert call("quantize", genuine_voice, place / "int8", "--force", *CPU)[0] == 0
    assert contents(place / "int8") == contents(made_cpu)


def test_files_without_links(genuine_voice, made_cpu, place, call, monkeypatch):
    """Another file system, or one that has no hard links."""
    def refuse(*_, **__):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    assert call("quantize", genuine_voice, place / "int8", *CPU)[0] == 0
    assert contents(place / "int8") == contents(made_cpu)


# What is refused


def test_int8_already(made, place, call):
    code, _, err = call("quantize", made, place / "int8")
    assert "is INT8 already: give its float bundle" in refused(place, code, err)


def test_int8_of_earlier_days(made, tmp_path, place, call):
    """A manifest that doesn't say so: the graphs do."""
    source = Path(shutil.copytree(made, tmp_path / "old"))
    manifest = {key: value for key, value in read_manifest(source).items() if key not in ("quantization", "tensorrt")}
    write_manifest(source, manifest)
    code, _, err = call("quantize", source, place / "int8")
    assert "is INT8 already" in refused(place, code, err)


def test_nobody_enrolled(genuine_voice, tmp_path, place, call):
    source = Path(shutil.copytree(genuine_voice, tmp_path / "mute"))
    write_manifest(source, read_manifest(source) | {"speakers": {}, "default_speaker": None})
    code, _, err = call("quantize", source, place / "int8")
    line = refused(place, code, err)
    assert line.endswith(f"has no speaker to calibrate with: run edgetts-build enroll {source} --audio FILE")


@pytest.mark.parametrize(
    ("raw", "complaint"), [(b"", "has no sentence"), (b"\n \n", "has no sentence"), (b"caf\xe9\n", "is not UTF-8")]
)
def test_no_calibration_text(raw, complaint, genuine_voice, tmp_path, place, call):
    file = tmp_path / "own.txt"
    file.write_bytes(raw)
    code, _, err = call("quantize", genuine_voice, place / "int8", text=file)
    assert complaint in refused(place, code, err)


def test_text_that_is_not_there(genuine_voice, tmp_path, place, call):
    code, _, err = call("quantize", genuine_voice, place / "int8", text=tmp_path / "nothing.txt")
    assert "nothing.txt can't be read: No such file" in refused(place, code, err)


def test_text_without_words(genuine_voice, tmp_path, place, call):
    file = tmp_path / "own.txt"
    file.write_text("...\n", encoding="utf-8")
    code, _, err = call("quantize", genuine_voice, place / "int8", text=file)
    assert code in (1, 2)
    assert len(err) == 1
    assert not list(place.iterdir())


def test_a_voice_that_says_nothing(genuine_voice, place, call, monkeypatch):
    monkeypatch.setattr(pipeline, "_TOKENS", 0)
    code, _, err = call("quantize", genuine_voice, place / "int8")
    assert "the voice said nothing of the calibration's sentences" in refused(place, code, err)


def test_the_output_exists(genuine_voice, made, place, call):
    shutil.copytree(made, place / "int8")
    code, _, err = call("quantize", genuine_voice, place / "int8")
    assert "exists: choose another folder, or add --force" in refused(place, code, err, ["int8"])
    assert contents(place / "int8") == contents(made)


@pytest.mark.parametrize("more", [[], ["--force"]])
def test_the_output_is_no_bundle(more, genuine_voice, place, call):
    (place / "photos").mkdir()
    (place / "photos" / "cat.jpg").write_bytes(b"miaow")
    code, _, err = call("quantize", genuine_voice, place / "photos", *more)
    assert ("is not a bundle" if more else "exists") in refused(place, code, err, ["photos"])
    assert (place / "photos" / "cat.jpg").read_bytes() == b"miaow"


@pytest.mark.parametrize("inside", ["", "graphs", "new"])
def test_the_output_is_the_source(inside, genuine_voice, place, call):
    source = Path(shutil.copytree(genuine_voice, place / "voice"))
    code, _, err = call("quantize", source, source / inside, "--force")
    assert ("lies in the bundle" if inside else "is the bundle itself") in refused(place, code, err, ["voice"])
    assert contents(source) == contents(genuine_voice)


@pytest.mark.parametrize("rank", [-1, 0, 65])
def test_a_rank_out_of_range(rank, genuine_voice, place, call):
    code, _, err = call("quantize", genuine_voice, place / "int8", "--max-rank", rank)
    assert refused(place, code, err) == f"--max-rank {rank}: give a number in 1..64"


def test_an_int8_cache_for_tensorrt(genuine_voice, place, call):
    code, _, err = call("quantize", genuine_voice, place / "int8", "--target", "tensorrt", "--kv-cache", "int8")
    assert refused(place, code, err).startswith("an INT8 KV cache ")


def test_an_int8_cache_and_an_old_onnxruntime(genuine_voice, place, call, monkeypatch):
    monkeypatch.setattr("build_engines.quantize.quantize.ort.__version__", "1.23.2")
    code, _, err = call("quantize", genuine_voice, place / "int8", "--target", "cpu", "--kv-cache", "int8")
    assert "needs onnxruntime 1.27, this is 1.23.2" in refused(place, code, err)
    assert call("quantize", genuine_voice, place / "int8", "--target", "cpu")[0] == 0
    assert open_bundle(place / "int8").manifest.quantization.kv_cache == "float32"


def test_an_operator_that_tensorrt_lacks(genuine_voice, tmp_path, place, call, monkeypatch):
    """Named, with its node; and before anything is measured."""
    def change(model):
        node = next(node for node in model.graph.node if node.op_type == "MatMul")
        node.op_type, node.domain, node.name = "FusedMatMul", "com.microsoft", "/voice/condition/MatMul"
        if "com.microsoft" not in {entry.domain for entry in model.opset_import}:
            model.opset_import.append(helper.make_opsetid("com.microsoft", 1))

    source = changed(genuine_voice, tmp_path / "odd", "latents", change)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.ForcedVoice, "draw", None)
        code, _, err = call("quantize", source, place / "int8")
    line = refused(place, code, err)
    assert "'latents'" in line
    assert "TensorRT has no operator com.microsoft.FusedMatMul, of node '/voice/condition/MatMul'" in line
    assert call("quantize", source, place / "int8", *CPU)[0] == 0


def test_an_operator_that_nothing_has(genuine_voice, tmp_path, place, call):
    def change(model):
        next(node for node in model.graph.node if node.op_type == "Tanh").op_type = "Tench"

    code, _, err = call("quantize", changed(genuine_voice, tmp_path / "odd", "latents", change), place / "int8")
    line = refused(place, code, err)
    assert "'latents'" in line
    assert "Tench" in line


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite(bad, genuine_voice, tmp_path, place, call):
    def change(model):
        index, tensor = next((i, t) for i, t in enumerate(model.graph.initializer) if t.name == "conv_1")
        weight = numpy_helper.to_array(tensor).copy()
        weight[0, 0, 0] = bad
        model.graph.initializer[index].CopyFrom(numpy_helper.from_array(weight, "conv_1"))

    code, _, err = call("quantize", changed(genuine_voice, tmp_path / "odd", "latents", change), place / "int8")
    assert "graph 'latents': 'c_1' has values that are not finite" in refused(place, code, err)


@pytest.mark.parametrize("name", ["card.md", "speakers/ada.safetensors", "graphs/latents.onnx", "graphs/gpt.weights"])
def test_a_damaged_source(name, genuine_voice, tmp_path, place, call):
    source = Path(shutil.copytree(genuine_voice, tmp_path / "damaged"))
    raw = bytearray((source / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (source / name).write_bytes(raw)
    code, _, err = call("quantize", source, place / "int8")
    line = refused(place, code, err)
    assert Path(name).name in line
    assert "differs from the manifest" in line


def test_a_golden_of_another_graph(genuine_voice, tmp_path, place, call):
    source = Path(shutil.copytree(genuine_voice, tmp_path / "odd"))
    np.savez(source / "golden" / "gpt_prefill.npz", in_codes=np.arange(4)[None])
    write_manifest(source, read_manifest(source))
    code, _, err = call("quantize", source, place / "int8", *CPU)
    assert "golden/gpt_prefill.npz lacks the input" in refused(place, code, err, [".int8.quantize"])


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("what", "kept"),
    [
        ("build_engines.quantize.pipeline.shutil.copyfile", []),
        ("build_engines.quantize.calibrate.onnx.save", []),
        ("build_engines.quantize.stored.np.savez", []),
        ("build_engines.quantize.bundle._link", [".int8.quantize"]),
        ("build_engines.quantize.bundle.np.savez_compressed", [".int8.quantize"]),
        ("build_engines.export.weights.WeightFile._store", [".int8.quantize"]),
        ("build_engines.quantize.quantize.finish", [".int8.quantize"]),
    ],
)
def test_a_full_disk(what, kept, genuine_voice, made_cpu, place, call, monkeypatch):
    """One line and no bundle, wherever it strikes; with room again the same command makes it."""

    def full(*_, **__):
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        patch.setattr(what, full)
        code, _, err = call("quantize", genuine_voice, place / "int8", *CPU)
    assert "No space left on device" in refused(place, code, err, kept)
    assert call("quantize", genuine_voice, place / "int8", *CPU)[0] == 0
    assert contents(place / "int8") == contents(made_cpu)
    assert [path.name for path in place.iterdir()] == ["int8"]


# And back


def test_dequantize(made, genuine_voice, place, call):
    code, out, err = call("dequantize", made, place / "float")
    assert (code, err) == (0, [])
    assert f"{place / 'float'} is ready" in out
    manifest = open_bundle(place / "float").manifest
    assert manifest.quantization is manifest.tensorrt is None
    assert not any("tensorrt" in name or name == "quantization.json" for name in manifest.files)
    for name in manifest.graphs:
        assert not kinds(place / "float" / "graphs" / f"{name}.onnx") & {*INT8_OPERATORS, "DequantizeLinear"}
    one, other = spoken(genuine_voice), spoken(place / "float")
    assert len(one)
    assert len(other)
    assert call("quantize", place / "float", place / "again")[0] == 0


def test_dequantize_a_bundle_for_tensorrt_alone(genuine_voice, place, call):
    """Its graphs for ONNX Runtime are float already; what is for TensorRT goes."""
    assert call("quantize", genuine_voice, place / "int8", "--target", "tensorrt")[0] == 0
    assert open_bundle(place / "int8").manifest.quantization.targets == ("tensorrt",)
    assert call("dequantize", place / "int8", place / "float")[0] == 0
    before, after = contents(genuine_voice), contents(place / "float")
    del before["manifest.json"], after["manifest.json"]
    assert after == before


def test_dequantize_a_float_bundle(genuine_voice, place, call):
    code, _, err = call("dequantize", genuine_voice, place / "float")
    assert refused(place, code, err).endswith("is a float bundle already")


def test_dequantize_a_damaged_bundle(made, tmp_path, place, call):
    source = Path(shutil.copytree(made, tmp_path / "damaged"))
    raw = bytearray((source / "graphs" / "latents.onnx").read_bytes())
    raw[len(raw) // 2] ^= 1
    (source / "graphs" / "latents.onnx").write_bytes(raw)
    code, _, err = call("dequantize", source, place / "float")
    assert "differs from the manifest" in refused(place, code, err)


@pytest.mark.parametrize("command", ["quantize", "dequantize"])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as leaving:
        main([command, "--help"])
    assert leaving.value.code == 0
    assert "--force" in capsys.readouterr().out
