"""A genuine GPT-SoVITS voice (v1, v2, v2Pro, v2ProPlus) → a bundle that needs only a speaker.

Both checkpoints are read and checked first, then the GPT and the acoustic model are loaded, exported and freed one
after the other, so that memory holds one of them at a time; the exported graphs are compared with the modules before
the bundle gets its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from build_engines.bundles.exchange import check_replaceable
from build_engines.bundles.goldens import Goldens, check, record_gpt, record_sovits
from build_engines.bundles.speakers import is_name
from build_engines.bundles.writer import draft, graph_entry, seal, write_goldens
from build_engines.checkpoint import GptCheckpoint, SovitsCheckpoint, open_gpt, open_sovits
from build_engines.errors import BuildError
from build_engines.export import export_enrollment, export_gpt, export_sovits
from build_engines.export.adapters import MAX_RANK
from build_engines.models.gpt import load_gpt
from build_engines.models.sovits.generator import vocoder_context_frames
from build_engines.models.sovits.model import load_sovits
from edge_tts.bundle import Sampling

__all__ = ["ImportPlan", "import_voice"]

_MAX_CONTEXT = 2048  # a 10 s prompt, 2 x 140 phones and a minute of speech
_LANGUAGES = {"v1": ("zh", "en", "ja"), "v2": ("zh", "en", "ja", "ko", "yue")}
# The program's defaults (TTS_infer_pack/TTS.py); top_k is in the checkpoint.
_TOP_P, _TEMPERATURE, _REPETITION_PENALTY, _MIN_TOKENS, _NOISE_SCALE = 1.0, 1.0, 1.35, 11, 0.5
_FRAMES_PER_TOKEN = 2
_ENROLLMENT = ("semantic", "reference", "condition")


@dataclass(frozen=True)
class ImportPlan:
    """What to import and where to: two checkpoints, the bundle's new folder and name, BERT's folder (or none)."""

    gpt: Path
    sovits: Path
    target: Path
    name: str
    bert: Path | None = None
    licence: str = "unknown"
    replace: bool = False


def import_voice(plan: ImportPlan) -> None:
    """Write the bundle. Raises CheckpointError, BuildError, BundleError; then nothing has been written."""
    if plan.target.exists() and not plan.replace:
        raise BuildError(f"{plan.target} exists: choose another folder, or add --force to replace it")
    if not is_name(plan.name):
        raise BuildError(f"--name {plan.name[:60]!r}: use letters, digits, '.', '_' and '-', at most 64")
    target = plan.target.resolve()
    check_replaceable(target)
    with _Bar(100 if plan.bert is None else 160) as bar:
        gpt = open_gpt(plan.gpt, bar.part("checking the GPT", 10))
        sovits = open_sovits(plan.sovits, bar.part("checking SoVITS", 10))
        _check_pair(gpt, sovits)
        with draft(target) as part:
            manifest = _write(plan, gpt, sovits, part, bar)
            bar.part("hashing", 10)
            seal(part, target, manifest)


def _check_pair(gpt: GptCheckpoint, sovits: SovitsCheckpoint) -> None:
    """A v1 GPT knows 512 phones and later ones 732: they only go with an acoustic model of their own kind."""
    if (gpt.version == "v1") != (sovits.version == "v1"):
        raise BuildError(
            f"{gpt.path.name} is a {gpt.version} GPT and {sovits.path.name} a {sovits.version} acoustic model, "
            "which don't speak the same phones: give two checkpoints of one voice"
        )


def _write(plan: ImportPlan, gpt: GptCheckpoint, sovits: SovitsCheckpoint, part: Path, bar: _Bar) -> dict[str, Any]:
    """Fill the bundle's folder; returns what the manifest says."""
    graphs, enrollment = part / "graphs", part / "enrollment"
    if plan.bert is not None:  # first, since a wrong folder is found here
        from build_engines.importing.bert import export_text_features

        bar.part("exporting BERT", 60)
        export_text_features(plan.bert, part / "text")
    bar.part("exporting the GPT", 25)
    goldens, targets = _export_gpt(gpt, graphs)
    bar.part("exporting SoVITS", 25)
    goldens |= _export_sovits(sovits, graphs, enrollment)
    bar.part("comparing", 20)
    for name, golden in goldens.items():
        check((enrollment if name in _ENROLLMENT else graphs) / f"{name}.onnx", golden)
    write_goldens(part, goldens)
    manifest = _manifest(plan, gpt, sovits, targets)
    manifest["graphs"] = {p.stem: graph_entry(part, f"graphs/{p.name}") for p in sorted(graphs.glob("*.onnx"))}
    manifest["enrollment"] = {name: graph_entry(part, f"enrollment/{name}.onnx") for name in _ENROLLMENT}
    if plan.bert is not None:
        entry = graph_entry(part, "text/text_features.onnx")
        manifest["text_features"] = {"zh": {"graph": entry, "vocabulary": "text/vocab.txt"}}
    (part / "card.md").write_text(_card(plan, gpt, sovits, manifest["provenance"]), encoding="utf-8")
    return manifest


def _export_gpt(checkpoint: GptCheckpoint, graphs: Path) -> tuple[dict[str, Goldens], list[str]]:
    gpt = load_gpt(checkpoint)
    targets = export_gpt(gpt, graphs)
    return record_gpt(gpt), targets


def _export_sovits(checkpoint: SovitsCheckpoint, graphs: Path, enrollment: Path) -> dict[str, Goldens]:
    sovits = load_sovits(checkpoint)
    export_sovits(sovits, graphs)
    export_enrollment(sovits, enrollment)
    return record_sovits(sovits)


def _manifest(
    plan: ImportPlan, gpt: GptCheckpoint, sovits: SovitsCheckpoint, targets: list[str]
) -> dict[str, Any]:
    c, s = gpt.config, sovits.config
    family = "v1" if sovits.version == "v1" else "v2"
    sampling = Sampling(gpt.top_k, _TOP_P, _TEMPERATURE, _REPETITION_PENALTY, _MIN_TOKENS)
    return {
        "name": plan.name,
        "model": {"family": "gpt-sovits", "version": sovits.version},
        "sample_rate": s.sampling_rate,
        "token_rate_hz": s.sampling_rate / s.hop_length / _FRAMES_PER_TOKEN,
        "languages": list(_LANGUAGES[family]),
        "symbols": f"gpt-sovits-{family}",
        "gpt": {
            "vocab_size": c.vocab_size, "eos": c.eos, "layers": c.n_layer, "heads": c.head,
            "head_dim": c.hidden_dim // c.head, "max_context": _MAX_CONTEXT, "feature_dim": c.feature_dim,
            "state_dim": 0,
        },
        "decoder": {
            "frames_per_token": _FRAMES_PER_TOKEN, "samples_per_frame": s.hop_length,
            "latent_channels": s.inter_channels, "latent_context_tokens": None,
            "vocoder_context_frames": vocoder_context_frames(s), "noise_scale": _NOISE_SCALE,
        },
        "sampling": asdict(sampling),
        "speakers": {},
        "default_speaker": None,
        "adapters": {"targets": targets, "max_rank": MAX_RANK},
        "licence": plan.licence,
        "provenance": {
            part: {"file": checkpoint.path.name, "info": checkpoint.info, "sha256": _sha256(checkpoint.path)}
            for part, checkpoint in (("gpt", gpt), ("sovits", sovits))
        },
    }  # fmt: skip


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _card(plan: ImportPlan, gpt: GptCheckpoint, sovits: SovitsCheckpoint, provenance: dict[str, Any]) -> str:
    rows = "\n".join(f"| {part} | `{entry['file']}` | {entry['info']} | `{entry['sha256']}` |"
                     for part, entry in provenance.items())  # fmt: skip
    return f"""# {plan.name}

A GPT-SoVITS {sovits.version} voice, imported as float32. Licence of the checkpoints: {plan.licence}.

| part | file | training | SHA-256 |
|---|---|---|---|
{rows}

GPT: {gpt.config.n_layer} layers of {gpt.config.hidden_dim}. Every exported graph was compared with the checkpoint's own
modules when the bundle was made; `golden/` holds the vectors.
"""


class _Bar:
    """A progress bar in shares of the work; parts come one after the other."""

    def __init__(self, total: float) -> None:
        self._total = total

    def __enter__(self) -> _Bar:
        self._bar = tqdm(total=self._total, bar_format="{desc:22}|{bar}| {elapsed}", leave=False, disable=None)
        self._end = 0.0
        return self

    def __exit__(self, *problem: object) -> None:
        self._bar.close()

    def part(self, name: str, share: float) -> Callable[[int, int], None]:
        """Begin the next part; what comes back moves the bar within it (done, total)."""
        self._bar.set_description_str(name, refresh=True)
        start, self._end = self._end, self._end + share
        self._move(start)

        def moved(done: int, total: int) -> None:
            self._move(start + share * done / max(total, 1))

        return moved

    def _move(self, to: float) -> None:
        self._bar.update(min(to, self._total) - self._bar.n)
