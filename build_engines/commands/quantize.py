"""`edgetts-build quantize`: a float bundle becomes an INT8 bundle that has proved what it is worth."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from build_engines.commands.certify import progress_bar, tell
from build_engines.commands.needs import needs_extra
from build_engines.errors import BuildError
from edge_tts.command import EXIT_OK, Command
from edge_tts.terminal import complain, say

if TYPE_CHECKING:
    from build_engines.certify.certificate import Certificate

__all__ = ["command"]

_PROGRAM = "edgetts-build"
_EXIT_FAILED = 1
_TARGETS = {"cpu": ("cpu",), "tensorrt": ("tensorrt",), "both": ("cpu", "tensorrt")}
_MAX_RANK = 64
_DESCRIPTION = """\
Turn a float bundle into INT8. Every speaker says the repository's sentences in float; every layer is measured alone;
what costs more than it gains stays in float (quantization.json in the bundle has the account). Then the new bundle is
compared with the old one, and isn't written if it sounds worse than the bars of `edgetts-build certify` allow.
Interrupted, the same command goes on where it stopped.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `quantize`."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("bundle", help="a float voice's name or its bundle's folder")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="BUNDLE", help="the new bundle's folder")
    parser.add_argument(
        "--target", choices=tuple(_TARGETS), default="both",
        help="graphs for ONNX Runtime on a CPU, for TensorRT on a Jetson (whose CPU then speaks float), both (default)",
    )  # fmt: skip
    parser.add_argument(
        "--kv-cache", choices=("auto", "float32", "int8"), default="auto",
        help="int8 is faster for a full-size voice and needs onnxruntime 1.27 (Python 3.11) where it speaks; auto: "
        "int8 for GPT-SoVITS voices with --target cpu",
    )  # fmt: skip
    parser.add_argument(
        "--max-rank", type=int, default=16, metavar="N", help="TensorRT: greatest rank of LoRA deltas (default 16)"
    )
    parser.add_argument("--text", type=Path, metavar="FILE", help="calibrate with these sentences, UTF-8, one per line")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="one page with figures, pictures and sound")
    parser.add_argument("--accept-failing", action="store_true", help="write it even if it fails; it will say so")
    parser.add_argument("--no-certify", action="store_true", help="don't compare; the bundle says so when it is loaded")
    parser.add_argument("--force", action="store_true", help="replace a bundle that is there already")
    parser.add_argument("--eres2net", type=Path, metavar="FILE", help="for Pro voices (default: $EDGETTS_ERES2NET)")


def run(args: argparse.Namespace) -> int:
    """Quantize, certify, tell. Raises EdgeTTSError; then nothing has been written."""
    needs_extra("build", ("torch", "onnx", "soxr", "soundfile", "matplotlib"))
    if not args.no_certify:
        needs_extra("certify", ("pesq", "pystoi", "pyloudnorm"))
    _check(args)
    from build_engines.bundles.places import folder_of
    from build_engines.certify.plan import Plan as CertifyPlan
    from build_engines.certify.report import write_report
    from build_engines.enroll.places import verifier_file
    from build_engines.quantize.quantize import Plan, quantize
    from build_engines.sentences import read_file
    from edge_tts.bundle import open_bundle

    source = open_bundle(folder_of(args.bundle))
    verifier = verifier_file(args.eres2net, os.environ, Path.home())
    plan = Plan(
        source=source, target=args.output, targets=_TARGETS[args.target], kv_cache=args.kv_cache,
        max_rank=args.max_rank, texts=None if args.text is None else read_file(args.text),
        certificate=None if args.no_certify else CertifyPlan(verifier=verifier),
        accept_failing=args.accept_failing, replace=args.force,
    )  # fmt: skip

    def judged(certificate: Certificate, folder: Path) -> None:
        if args.report is not None:
            write_report(args.report, certificate, open_bundle(folder), source)

    with progress_bar() as progress:
        certificate = quantize(plan, progress, judged)
    return _told(args, certificate)


def _told(args: argparse.Namespace, certificate: Certificate | None) -> int:
    from build_engines.bundles.places import voice_of

    if certificate is not None:
        tell(certificate)
        if args.report is not None:
            say(f"the report: {args.report}")
        if not certificate.passed and not args.accept_failing:
            remedy = "--accept-failing writes it all the same"
            complain(_PROGRAM, f"{args.output} was not written, it fails: {certificate.verdict}; {remedy}")
            return _EXIT_FAILED
    worth = "not certified" if certificate is None else certificate.verdict
    say(f"{args.output} is ready ({worth}); hear it: edgetts say 'Hello.' --voice {voice_of(args.output)}")
    if args.target != "cpu":
        say(f"on the board: edgetts-build engine {voice_of(args.output)}")
    return EXIT_OK


def _check(args: argparse.Namespace) -> None:
    if not 1 <= args.max_rank <= _MAX_RANK:
        raise BuildError(f"--max-rank {args.max_rank}: give a number in 1..{_MAX_RANK}")
    if args.report is not None and (args.no_certify or args.report.is_dir()):
        raise BuildError("--report shows a certification: name a file, and leave out --no-certify")


command = Command("quantize", "turn a float bundle into INT8 for CPU and TensorRT, and certify it", configure, run)
