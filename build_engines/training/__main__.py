"""``python -m build_engines.training [STAGE]``: what ``scripts/train_default_voice`` runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from build_engines.training.pipeline import STAGES, Settings, run, run_stage


def main() -> int:
    """Parse the command line and run one stage, or all of them."""
    parser = argparse.ArgumentParser(
        prog="scripts/train_default_voice",
        description="Train the default voice from scratch: one command from data to bundle. Interrupted, it resumes.",
    )
    parser.add_argument("stage", nargs="?", default="all", choices=["all", *STAGES, "gpt", "decoder"])
    parser.add_argument("--work", type=Path, default=Path("training"), help="checkpoints and corpora (12 GB)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="sentences and recordings")
    for name in ("tokenizer", "gpt", "decoder", "adversarial"):
        default = getattr(Settings, f"{name}_minutes")
        parser.add_argument(f"--{name}-minutes", type=float, default=default, help="default %(default)s")
    values = vars(parser.parse_args())
    stage = values.pop("stage")
    settings = Settings(**values)
    if not settings.sentences.exists():
        parser.error(f"{settings.sentences} is missing: --data must hold texts_en, ljspeech_en_female, librispeech_*")
    if stage == "all":
        run(settings)
    else:
        run_stage(stage, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
