"""`edgetts-build certify`: an INT8 bundle is compared with its float one, and what was found goes into it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from build_engines.commands.needs import needs_extra
from build_engines.errors import BuildError
from edge_tts.command import EXIT_OK, Command
from edge_tts.terminal import complain, say

if TYPE_CHECKING:
    from build_engines.certify.certificate import Certificate
    from build_engines.certify.gate import Progress

__all__ = ["command", "configure", "progress_bar", "run", "tell"]

_PROGRAM = "edgetts-build"
_EXIT_FAILED = 1
_SEEDS = 1 << 32


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `certify`."""
    parser.add_argument("bundle", help="an INT8 voice's name or its bundle's folder")
    parser.add_argument("--against", required=True, metavar="FLOATBUNDLE", help="the bundle that it was made of")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="one page with figures, pictures and sound")
    parser.add_argument("--accept-failing", action="store_true", help="write the certificate even if bars are missed")
    parser.add_argument("--wer", action="store_true", help="count wrong words too (English; extra: evaluate)")
    parser.add_argument("--text", type=Path, metavar="FILE", help="sentences to speak, UTF-8, one per line")
    parser.add_argument("--seed", type=int, default=0, help="fixes all noise (default %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads per operator (default %(default)s)")
    parser.add_argument("--eres2net", type=Path, metavar="FILE", help="for Pro voices (default: $EDGETTS_ERES2NET)")


def run(args: argparse.Namespace) -> int:
    """Compare, tell, and write the certificate where it passes. Raises EdgeTTSError."""
    needs_extra("certify", ("pesq", "pystoi", "pyloudnorm"))
    needs_extra("build", ("soxr", "soundfile", "matplotlib"))
    _check(args)
    from build_engines.bundles.places import folder_of
    from build_engines.certify.gate import certify
    from build_engines.certify.plan import Plan
    from build_engines.certify.report import write_report
    from build_engines.certify.store import write_certificate
    from build_engines.enroll.places import verifier_file
    from build_engines.sentences import read_file
    from edge_tts.bundle import open_bundle

    candidate, against = (open_bundle(folder_of(name)) for name in (args.bundle, args.against))
    _check_writable(candidate.path)
    plan = Plan(
        seed=args.seed,
        texts=None if args.text is None else read_file(args.text),
        wer=args.wer,
        verifier=verifier_file(args.eres2net, os.environ, Path.home()),
        threads=args.threads,
    )
    with progress_bar() as progress:
        certificate = certify(candidate, against, plan=plan, progress=progress)
    tell(certificate)
    if args.report is not None:
        write_report(args.report, certificate, candidate, against)
        say(f"the report: {args.report}")
    if certificate.passed or args.accept_failing:
        write_certificate(candidate.path, certificate)
    if certificate.passed:
        say(f"{candidate.path} is certified: {certificate.verdict}")
        return EXIT_OK
    if args.accept_failing:
        complain(_PROGRAM, f"{candidate.path} fails, and its certificate says so: {certificate.verdict}")
        return EXIT_OK
    complain(_PROGRAM, f"{candidate.path} fails and was left as it is: {certificate.verdict}")
    return _EXIT_FAILED


def tell(certificate: Certificate) -> None:
    """The table of figures against bars, and the speed."""
    marks = {True: "ok", False: "FAILS", None: "-"}
    for check in certificate.checks:
        where = f"  ({check.figure.where})" if check.figure.where else ""
        say(f"{marks[check.passed]:5}  {check.bar.title:30} {check.shown:>16}   {check.bar.shown}{where}")
    speed = certificate.speed
    took = [sum(side.values()) for side in (speed.before, speed.after)]
    say(f"speed: {took[0]:.3f} → {took[1]:.3f} s of work per second of sound ({speed.ratio:.2f} of the time)")
    say(f"size: {speed.before_bytes / 1e6:.1f} → {speed.after_bytes / 1e6:.1f} MB of graphs")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar for people who wait at a terminal; it starts over with each stage and goes away in the end."""
    with tqdm(bar_format="{desc:20}|{bar}| {n_fmt}/{total_fmt} {elapsed}", leave=False, disable=None) as bar:

        def progress(stage: str, done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.set_description_str(stage)

        yield progress


def _check(args: argparse.Namespace) -> None:
    """Raises BuildError: a number that makes no sense, before minutes have gone into the rest."""
    if not 0 <= args.seed < _SEEDS:
        raise BuildError(f"--seed {args.seed}: give a number in 0..{_SEEDS - 1}")
    if not 1 <= args.threads <= 256:
        raise BuildError(f"--threads {args.threads}: give a number in 1..256")
    if args.report is not None and args.report.is_dir():
        raise BuildError(f"--report {args.report} is a folder: name a file")


def _check_writable(folder: Path) -> None:
    """Raises BuildError: the certificate couldn't be written into the bundle."""
    if not all(os.access(path, os.W_OK) for path in (folder.resolve(), folder.resolve().parent)):
        raise BuildError(f"{folder} can't be changed by this user: copy the bundle to a folder of yours")


command = Command("certify", "prove that an INT8 voice sounds like the float one it was made of", configure, run)
