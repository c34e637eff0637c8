"""`edgetts say`: a text becomes sound, in a file, on stdout or on the loudspeaker."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edge_tts.command import EXIT_OK, Command
from edge_tts.errors import OutputError, ParameterError, TextError

if TYPE_CHECKING:
    from edge_tts.audio import AudioChunk
    from edge_tts.voice import Voice

__all__ = ["command"]

MAX_TEXT_BYTES = 10_000_000
# Below this a progress bar is gone before it can be read.
SENTENCES_FOR_PROGRESS = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `say`."""
    parser.add_argument("text", nargs="*", help="what to say; '-' or nothing: read it from standard input")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("-o", "--output", metavar="FILE", type=Path, help="write a WAV file instead of playing")
    output.add_argument("--raw", action="store_true", help="write 16-bit little-endian mono samples to standard output")
    parser.add_argument("--voice", default="default", help="a voice's name or its bundle's path (default: default)")
    parser.add_argument("--speaker", help="one of the voice's speakers, as `edgetts voices` lists them")
    parser.add_argument("--language", help="of the text: en, zh, ja, ko, yue or auto (default: the speaker's own)")
    parser.add_argument("--speed", type=float, default=1.0, help="0.5 (slow) to 2 (fast); default 1")
    parser.add_argument("--seed", type=int, help="the same number gives the same sound")
    parser.add_argument("--threads", type=int, default=1, help="sentences made side by side, a core each (default: 1)")
    parser.add_argument(
        "--max-seconds",
        metavar="S",
        type=float,
        help="give up if speaking takes longer, playing included (exit code 1)",
    )
    parser.add_argument("--engine", default="auto", help="auto, onnx or tensorrt (default: auto; docs/tensorrt.md)")
    parser.add_argument("--lexicon", metavar="FILE", type=Path, help="your own pronunciations")


def run(args: argparse.Namespace) -> int:
    """Speaks. Raises EdgeTTSError."""
    if args.raw and sys.stdout.isatty():
        raise ParameterError("--raw writes samples, not text: pipe it into a player or a file")
    text = _text(args.text)
    from edge_tts.voice import Voice

    voice = Voice.load(args.voice, threads=args.threads, engine=args.engine)
    chunks = _chunks(voice, text, args)
    if args.output is not None:
        _write_wav(args.output, voice.sample_rate, _with_progress(chunks))
    elif args.raw:
        _write_raw(_with_progress(chunks))
    else:
        from edge_tts.playback import Player

        with Player(voice.sample_rate) as player:
            player.play(chunks)
    return EXIT_OK


def _chunks(voice: Voice, text: str, args: argparse.Namespace) -> Iterator[AudioChunk]:
    from edge_tts.text import Lexicon

    lexicon = None if args.lexicon is None else Lexicon.load(args.lexicon)
    return voice.synthesize(
        text,
        speaker=args.speaker,
        language=args.language,
        speed=args.speed,
        seed=args.seed,
        max_seconds=args.max_seconds,
        lexicon=lexicon,
    )


def _text(words: list[str]) -> str:
    """The words of the command line, or standard input. Raises TextError."""
    if words and words != ["-"]:
        return " ".join(words)
    raw = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
    if len(raw) > MAX_TEXT_BYTES:
        raise TextError(f"the text is larger than {MAX_TEXT_BYTES} bytes: split it")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextError(f"standard input is not UTF-8 text (byte {error.start})") from None


def _write_wav(path: Path, sample_rate: int, chunks: Iterable[AudioChunk]) -> None:
    from edge_tts.wav import WavWriter

    with WavWriter(path, sample_rate) as file:
        for chunk in chunks:
            file.write(chunk.pcm16())


def _write_raw(chunks: Iterable[AudioChunk]) -> None:
    try:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk.pcm16())
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise  # the reader has heard enough: not an error to report
    except OSError as error:
        raise OutputError(f"can't write to standard output: {error.strerror}") from None


def _with_progress(chunks: Iterator[AudioChunk]) -> Iterator[AudioChunk]:
    """Passes the chunks on; a long text gets a bar on stderr when that is a terminal."""
    from tqdm import tqdm

    first = next(chunks, None)
    if first is None:
        return
    hidden = not sys.stderr.isatty() or first.sentences < SENTENCES_FOR_PROGRESS
    with tqdm(total=first.sentences, unit=" sentences", file=sys.stderr, disable=hidden, leave=False) as bar:
        yield first
        for chunk in chunks:
            bar.update(chunk.sentence - bar.n)
            yield chunk


command = Command("say", "speak a text: play it, or write it to a file", configure, run)
