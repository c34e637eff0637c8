"""edge_tts.cli and the commands: what a person types, sees and gets back."""

import io
import json
import os
import signal
import subprocess
import sys
import wave
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import numpy as np
import pytest

from edge_tts.bundle import installed
from edge_tts.cli import main
from edge_tts.command import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, Command
from edge_tts.commands import say
from edge_tts.commands.bench import Run, summarise
from edge_tts.commands.voices import describe, table
from edge_tts.terminal import one_line

TEXT = "Hello there. How are you today?"


@pytest.fixture(autouse=True)
def voices(tiny_bundle, monkeypatch):
    monkeypatch.setenv("EDGETTS_VOICES", str(tiny_bundle.parent))
    monkeypatch.setenv("HOME", str(tiny_bundle.parent / "home"))


@pytest.fixture
def edgetts(capsys):
    """Runs `edgetts`; returns exit code, standard output, and the lines of standard error."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


def samples_of(path):
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (1, 2, 24000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_say_writes_a_wav_file(edgetts, tmp_path):
    target = tmp_path / "out.wav"
    assert edgetts("say", TEXT, "-o", target, "--voice", "tiny", "--seed", 1) == (EXIT_OK, "", [])
    assert len(samples_of(target)) > 24000 and list(tmp_path.iterdir()) == [target]


def test_words_need_no_quotes_and_a_path_is_a_voice(edgetts, tmp_path, tiny_bundle):
    for name, words in (("a", [TEXT]), ("b", TEXT.split())):
        edgetts("say", *words, "-o", tmp_path / f"{name}.wav", "--voice", tiny_bundle, "--seed", 1)
    np.testing.assert_array_equal(samples_of(tmp_path / "a.wav"), samples_of(tmp_path / "b.wav"))


def test_threads_change_nothing_that_is_heard(edgetts, tmp_path):
    for threads in (1, 3):
        path = tmp_path / f"{threads}.wav"
        done = edgetts(
            "say", TEXT, "-o", path, "--voice", "tiny", "--seed", 1, "--threads", threads, "--max-seconds", 1000
        )
        assert done == (EXIT_OK, "", [])
    assert (tmp_path / "1.wav").read_bytes() == (tmp_path / "3.wav").read_bytes()


def standard_input(raw):
    return SimpleNamespace(buffer=io.BytesIO(raw))


@pytest.mark.parametrize("words", [[], ["-"]])
def test_text_comes_from_standard_input(edgetts, tmp_path, monkeypatch, words):
    monkeypatch.setattr(sys, "stdin", standard_input(TEXT.encode()))
    assert edgetts("say", *words, "-o", tmp_path / "out.wav", "--voice", "tiny")[0] == EXIT_OK


@pytest.mark.parametrize(("raw", "word"), [(b"", "speak"), (b"\xff\xfe", "not UTF-8"), (b"a" * 10_000_001, "larger")])
def test_unusable_standard_input(edgetts, tmp_path, monkeypatch, raw, word):
    monkeypatch.setattr(sys, "stdin", standard_input(raw))
    code, _, lines = edgetts("say", "-o", tmp_path / "out.wav", "--voice", "tiny")
    assert (code, len(lines)) == (EXIT_FAILURE, 1)
    assert word in lines[0] and list(tmp_path.iterdir()) == []


def test_a_lexicon_changes_what_is_said(edgetts, tmp_path):
    (tmp_path / "words.txt").write_text("there  AY1\n", encoding="utf-8")
    edgetts("say", TEXT, "-o", tmp_path / "a.wav", "--voice", "tiny", "--seed", 1)
    done = edgetts(
        "say", TEXT, "-o", tmp_path / "b.wav", "--voice", "tiny", "--seed", 1, "--lexicon", tmp_path / "words.txt"
    )
    assert done == (EXIT_OK, "", [])
    assert len(samples_of(tmp_path / "a.wav")) != len(samples_of(tmp_path / "b.wav"))


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--voice", "nobody"], EXIT_FAILURE, "no voice is called 'nobody'"),
        (["--voice", "/no/such"], EXIT_FAILURE, "no such folder"),
        (["--speaker", "eve"], EXIT_FAILURE, "ada, bob"),
        (["--speed", "3"], EXIT_USAGE, "speed"),
        (["--speed", "nan"], EXIT_USAGE, "speed"),
        (["--seed", "-1"], EXIT_USAGE, "seed"),
        (["--threads", "0"], EXIT_USAGE, "threads must be an integer in 1..64, not 0"),
        (["--max-seconds", "nan"], EXIT_USAGE, "max_seconds must be above 0"),
        (["--max-seconds", "1e-9"], EXIT_FAILURE, "not spoken within 1e-09 s: allow more time"),
        (["--lexicon", "/no/such/file"], EXIT_FAILURE, "/no/such/file"),
        (["-o", "/no/such/out.wav"], EXIT_FAILURE, "No such file"),
        (["-o", "/"], EXIT_FAILURE, "folder"),
    ],
)
def test_bad_arguments_are_one_line(edgetts, tmp_path, arguments, code, word):
    out = ["-o", str(tmp_path / "out.wav")] if "-o" not in arguments else []
    done, output, lines = edgetts("say", "Hello.", "--voice", "tiny", *out, *arguments)
    assert (done, output, len(lines)) == (code, "", 1)
    assert lines[0].startswith("edgetts: ") and word in lines[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [["say", "a", "--speed", "x"], ["say", "a", "--raw", "-o", "x"], ["say", "--unknown"], ["frobnicate"], []],
)
def test_usage_errors(edgetts, arguments):
    code, output, lines = edgetts(*arguments)
    assert code == EXIT_USAGE and output == "" and "edgetts" in lines[-1]


def test_an_unknown_command_names_those_there_are(edgetts):
    assert "say, voices, bench" in edgetts("sya", "hello")[2][0]


def test_a_damaged_voice_is_one_line(edgetts, bundle_copy, tmp_path):
    (bundle_copy / "graphs/vocoder.onnx").write_bytes(b"x")
    code, _, lines = edgetts("say", "Hello.", "--voice", bundle_copy, "-o", tmp_path / "out.wav")
    assert (code, len(lines)) == (EXIT_FAILURE, 1) and "vocoder.onnx" in lines[0]


def test_a_full_disk_leaves_no_file(edgetts, tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge_tts.wav.os.fsync", fail)
    code, _, lines = edgetts("say", "Hello.", "--voice", "tiny", "-o", tmp_path / "out.wav")
    assert (code, len(lines)) == (EXIT_FAILURE, 1) and "No space left" in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_without_a_sound_device_it_says_what_to_do(edgetts, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # makes the import fail
    code, _, lines = edgetts("say", "Hello.", "--voice", "tiny")
    assert (code, len(lines)) == (EXIT_FAILURE, 1) and "-o FILE" in lines[0]


class FakeDevice:
    """What the player needs of sounddevice."""

    class PortAudioError(Exception):
        pass

    def __init__(self, fails=False):
        self.heard, self.calls, self.fails = b"", [], fails

    def RawOutputStream(self, **settings):  # noqa: N802 - sounddevice's name
        assert settings == {"samplerate": 24000, "channels": 1, "dtype": "int16"}
        return self

    def write(self, pcm):
        if self.fails and self.heard:
            raise self.PortAudioError("unplugged")
        self.heard += pcm

    def start(self):
        self.calls.append("start")

    def stop(self):
        self.calls.append("stop")

    def close(self, ignore_errors):
        self.calls.append("close")


def test_say_plays_after_a_moment_of_silence(edgetts, monkeypatch, tmp_path):
    device = FakeDevice()
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    assert edgetts("say", "Hello.", "--voice", "tiny", "--seed", 1) == (EXIT_OK, "", [])
    edgetts("say", "Hello.", "--voice", "tiny", "--seed", 1, "-o", tmp_path / "out.wav")
    assert device.calls == ["start", "stop", "close"]
    assert device.heard == bytes(4800) + samples_of(tmp_path / "out.wav").tobytes()


def test_a_device_that_goes_away(edgetts, monkeypatch):
    device = FakeDevice(fails=True)
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    code, _, lines = edgetts("say", "Hello.", "--voice", "tiny")
    assert (code, len(lines)) == (EXIT_FAILURE, 1) and "unplugged" in lines[0]
    assert device.calls == ["start", "close"]


def start(*arguments, **settings):
    """`edgetts` as a process of its own."""
    code = "import sys; from edge_tts.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings
    )


def test_raw_writes_samples(tmp_path, edgetts):
    process = start("say", TEXT, "--raw", "--voice", "tiny", "--seed", 1)
    output, errors = process.communicate()
    edgetts("say", TEXT, "-o", tmp_path / "out.wav", "--voice", "tiny", "--seed", 1)
    assert (process.returncode, errors) == (EXIT_OK, b"")
    assert output == samples_of(tmp_path / "out.wav").tobytes()


def test_a_reader_that_leaves_is_no_complaint():
    process = start("say", TEXT * 50, "--raw", "--voice", "tiny")
    process.stdout.read(100)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == EXIT_FAILURE
    process.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_raw_to_a_full_device():
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        code = "import sys; from edge_tts.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "say", TEXT, "--raw", "--voice", "tiny"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == EXIT_FAILURE and done.stderr.decode().count("\n") == 1 and b"No space left" in done.stderr


def test_interrupted_it_leaves_no_file(tmp_path):
    # A shell starts background jobs, and so perhaps these tests, with SIGINT ignored; a child inherits that.
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    process = start("say", TEXT * 2000, "-o", tmp_path / "out.wav", "--voice", "tiny", **heard)
    while not list(tmp_path.iterdir()):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (EXIT_INTERRUPTED, b"")
    assert list(tmp_path.iterdir()) == []


def test_progress_only_on_a_terminal_and_for_long_texts(tiny_bundle, monkeypatch):
    def bar_of(sentences, terminal):
        stderr = io.StringIO()
        stderr.isatty = lambda: terminal
        monkeypatch.setattr(sys, "stderr", stderr)
        chunks = [SimpleNamespace(sentence=i // 2, sentences=sentences) for i in range(2 * sentences)]
        assert list(say._with_progress(iter(chunks))) == chunks
        return stderr.getvalue()

    assert bar_of(9, False) == bar_of(2, True) == ""
    assert "sentences" in bar_of(9, True)
    assert list(say._with_progress(iter([]))) == []


def test_voices(edgetts, tiny_bundle):
    code, output, lines = edgetts("voices")
    assert (code, lines) == (EXIT_OK, [])
    assert [line.split()[:4] for line in output.splitlines() if "tiny" in line] == [
        ["tiny", "ada*", "en", "24"],
        ["tiny", "bob", "en", "24"],
    ]
    entries = {entry["name"]: entry for entry in json.loads(edgetts("voices", "--json")[1])}
    assert entries["tiny"]["default_speaker"] == "ada" and entries["tiny"]["path"] == str(tiny_bundle)


def test_a_voice_that_cannot_be_read_is_listed_with_the_reason(bundle_copy):
    (bundle_copy / "manifest.json").write_text("{")
    [path] = installed([bundle_copy.parent]).values()
    lines = table([describe("tiny", path)])
    assert len(lines) == 2 and "unusable" in lines[1] and "not JSON" in lines[1]
    assert table([]) == ["no voices are installed"]


def test_bench(edgetts):
    code, output, _ = edgetts("bench", "--voice", "tiny", "--repeat", 2, "--json", "--text", TEXT)
    figures = json.loads(output)
    assert code == EXIT_OK and figures["runs"] == 2 and figures["tokens_per_s"] > 0
    assert {"load_s", "real_time_factor", "first_audio_ms", "decode_ratio", "vocoder_ratio"} <= set(figures)
    assert "real_time_factor" in edgetts("bench", "--voice", "tiny", "--repeat", 1)[1]
    assert edgetts("bench", "--voice", "tiny", "--repeat", 0)[0] == EXIT_USAGE
    assert edgetts("bench", "--voice", "tiny", "--threads", 65)[0] == EXIT_USAGE


def test_bench_gives_each_thread_sentences(edgetts):
    def figures(*arguments):
        return json.loads(edgetts("bench", "--voice", "tiny", "--repeat", 1, "--json", *arguments)[1])

    said = [figures(), figures("--threads", 2), figures("--threads", 2, "--text", TEXT)]
    assert [(each["threads"], each["sentences"]) for each in said] == [(1, 1), (2, 16), (2, 2)]


def test_bench_figures():
    stages = {"decode": 0.5, "text": 0.1}
    figures = summarise(
        [
            Run(1, 10.0, 1.0, 1.5, 0.1, stages, 250),
            Run(1, 10.0, 2.0, 1.5, 0.3, stages, 250),
            Run(1, 10.0, 3.0, 1.5, 0.2, stages, 250),
        ]
    )
    assert figures["cpu_ratio"] == 0.15
    assert (figures["real_time_factor"], figures["first_audio_ms"], figures["tokens_per_s"]) == (0.2, 200.0, 500.0)
    assert (figures["decode_ratio"], figures["text_ratio"], figures["latents_ratio"]) == (0.05, 0.01, 0.0)


def test_version_and_help(edgetts):
    assert edgetts("--version")[0] == EXIT_OK
    code, output, _ = edgetts("--help")
    assert code == EXIT_OK and all(name in output for name in ("say", "voices", "bench"))
    assert "--lexicon" in edgetts("say", "--help")[1]


def contribute(monkeypatch, *points):
    def entry_points(group, name=None):
        return [point for point in points if name in (None, point.name)]

    monkeypatch.setattr("edge_tts.cli.importlib.metadata.entry_points", entry_points)


SHOUTED = []
shout = Command(
    "shout", "say it loud", lambda parser: parser.add_argument("word"), lambda args: SHOUTED.append(args.word) or 7
)


def test_contributed_commands(edgetts, monkeypatch):
    group = "edgetts.commands"
    contribute(
        monkeypatch,
        EntryPoint("shout", f"{__name__}:shout", group),
        EntryPoint("broken", "no_such_module:command", group),
        EntryPoint("wrong", f"{__name__}:TEXT", group),
    )
    assert edgetts("shout", "hey")[0] == 7 and SHOUTED == ["hey"]
    code, output, _ = edgetts("--help")
    assert code == EXIT_OK and "say it loud" in output and "broken" not in output
    code, _, lines = edgetts("broken")
    assert (code, len(lines)) == (EXIT_FAILURE, 1) and "no_such_module" in lines[0]
    assert "not a Command" in edgetts("wrong")[2][0]


def test_contributed_commands_are_not_loaded_for_ours(edgetts, monkeypatch):
    loaded = []
    point = SimpleNamespace(name="spy", load=lambda: loaded.append(1))
    contribute(monkeypatch, point)
    edgetts("voices")
    assert loaded == []


def test_messages_stay_on_one_line_and_off_the_terminals_controls():
    assert one_line("a\nb\x1b[31mc\ud800") == "a b\N{REPLACEMENT CHARACTER}[31mc\N{REPLACEMENT CHARACTER}"
