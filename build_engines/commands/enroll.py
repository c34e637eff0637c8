"""`edgetts-build enroll`: a few seconds of somebody's speech become a speaker of a bundle."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from build_engines.commands.needs import needs_extra
from build_engines.enroll.places import hubert_folder, verifier_file
from edge_tts.command import EXIT_OK, Command
from edge_tts.terminal import complain, say

__all__ = ["command", "configure", "run"]

_PROGRAM = "edgetts-build"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `enroll`."""
    parser.add_argument("bundle", help="a voice's name or a bundle's folder")
    parser.add_argument("--audio", type=Path, required=True, metavar="REF.wav", help="3 to 10 s of clear speech")
    parser.add_argument("--text", help="exactly what the reference says (the default voice needs none)")
    parser.add_argument("--lang", help="the reference's language: en, zh, ja, ko, yue; the speaker reads it by default")
    parser.add_argument("--name", help="the speaker's name (default: from the file's)")
    parser.add_argument(
        "--also", type=Path, nargs="+", default=[], metavar="MORE.wav", help="more of the same speaker: timbre only"
    )
    parser.add_argument("--description", help="a line about the speaker, for people")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="BUNDLE",
        help="write a copy of the bundle there (default: change the bundle; voices that came with the package are "
        "copied to ~/.local/share/edgetts/voices)",
    )  # fmt: skip
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="draw the recordings and what was measured")
    parser.add_argument("--replace", action="store_true", help="a speaker of that name, or the output, gives way")
    parser.add_argument("--default", action="store_true", help="this speaker speaks when nobody is named")
    parser.add_argument("--hubert", type=Path, metavar="FOLDER", help="chinese-hubert-base (default: $EDGETTS_HUBERT)")
    parser.add_argument("--eres2net", type=Path, metavar="FILE", help="for Pro voices (default: $EDGETTS_ERES2NET)")


def run(args: argparse.Namespace) -> int:
    """Enroll, and say how the new speaker is heard. Raises EdgeTTSError."""
    needs_extra("build", ("torch", "soundfile", "soxr", "matplotlib", "transformers"))
    from build_engines.bundles.places import folder_of, voice_of
    from build_engines.enroll.pipeline import Plan, enroll
    from edge_tts.bundle import search_path

    home = Path.home()
    folders = search_path(os.environ, home)
    plan = Plan(
        voice=folder_of(args.bundle),
        audios=(args.audio, *args.also),
        voices=folders[-1],
        hubert=hubert_folder(args.hubert, os.environ, home),
        verifier=verifier_file(args.eres2net, os.environ, home),
        text=args.text,
        language=args.lang,
        name=args.name,
        description=args.description,
        output=args.output,
        report=args.report,
        replace=args.replace,
        make_default=args.default,
    )
    outcome = enroll(plan)
    for warning in outcome.warnings:
        complain(_PROGRAM, warning)
    if outcome.new:
        say(f"{outcome.name} is enrolled in {outcome.folder}; {outcome.facts}")
    else:
        say(f"already enrolled as {outcome.name} in {outcome.folder}; to do it again: --replace")
    voice = voice_of(outcome.folder)
    say(f"try it: edgetts say 'Hello.' --voice {shlex.quote(voice)} --speaker {shlex.quote(outcome.name)}")
    if args.report is not None:
        say(f"the recording in pictures: {args.report}")
    return EXIT_OK


command = Command("enroll", "turn a short recording into a speaker of a bundle", configure, run)
