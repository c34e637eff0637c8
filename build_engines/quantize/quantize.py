"""`quantize` and `dequantize`: the whole way from one bundle to another, with nothing half-written in between."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime as ort  # type: ignore[import-untyped]

from build_engines.bundles.writer import draft
from build_engines.certify.certificate import Certificate
from build_engines.certify.gate import certify
from build_engines.certify.listeners import listeners_for
from build_engines.certify.plan import Plan as CertifyPlan
from build_engines.errors import BuildError
from build_engines.quantize.bundle import CERTIFICATE, fill, finish, tree_of
from build_engines.quantize.kv_cache import computes_int8_cache
from build_engines.quantize.pipeline import (
    Progress,
    check_source,
    check_target,
    choose_layers,
    settings,
    work_folder,
)
from build_engines.quantize.restore import is_quantized, restore
from build_engines.quantize.state import State
from build_engines.quantize.write import write_int8
from edge_tts.bundle import Bundle, open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.utterances import GPT_SOVITS

__all__ = ["Plan", "dequantize", "kv_cache_for", "quantize"]


@dataclass(frozen=True)
class Plan:
    """What to make of which bundle, and where.

    targets: of "cpu" and "tensorrt". kv_cache: "float32", "int8" or "auto". max_rank: rows of TensorRT's adapters.
    texts: calibration sentences instead of the repository's. certificate: how to certify, None for not at all.
    accept_failing: write the bundle even if it fails. replace: a bundle at `target` gives way.
    """

    source: Bundle
    target: Path
    targets: tuple[str, ...]
    kv_cache: str = "auto"
    max_rank: int = 16
    texts: tuple[str, ...] | None = None
    certificate: CertifyPlan | None = None
    accept_failing: bool = False
    replace: bool = False


def kv_cache_for(plan: Plan) -> str:
    """The KV cache's type. INT8 pays for a large GPT, and where ONNX Runtime is new enough: a board's often isn't.

    Raises BuildError: INT8 is wanted where it can't be had.
    """
    able = computes_int8_cache(ort.__version__)
    if plan.kv_cache == "int8":
        if not able:
            raise BuildError(f"an INT8 KV cache needs onnxruntime 1.27, this is {ort.__version__}: pip install -U it")
        if "cpu" not in plan.targets:
            raise BuildError("an INT8 KV cache is ONNX Runtime's, TensorRT's is float16: choose --target cpu or both")
    if plan.kv_cache != "auto":
        return plan.kv_cache
    large = plan.source.manifest.family == GPT_SOVITS
    return "int8" if able and large and plan.targets == ("cpu",) else "float32"


def quantize(plan: Plan, progress: Progress, judged: Callable[[Certificate, Path], None]) -> Certificate | None:
    """Writes the INT8 bundle; returns its certificate. `judged` is shown every certificate and the folder it is of.

    A bundle that fails is not written unless the plan accepts it. Interrupted, the same plan goes on where it stopped.
    Raises BuildError, BundleError, OSError; then nothing has been written.
    """
    source = plan.source
    check_target(source, plan.target, plan.replace)
    kv_cache, target = kv_cache_for(plan), plan.target.resolve()
    check_source(source)
    if plan.certificate is not None:
        listeners_for(source, OnnxEngine(), plan.certificate.verifier)  # they are missed before an hour has passed
    state = State(work_folder(target), settings(source, plan.targets, plan.texts))
    try:
        choices = choose_layers(source, state, plan.targets, plan.texts, progress)
    except BaseException:
        if not len(state):  # nothing to go on from
            state.close()
        raise
    certificate = None
    with draft(target) as part:
        tree = tree_of(source)
        # Certified in a folder of its own inside the draft: the gate opens a whole bundle.
        inner = part / "bundle"
        with draft(inner) as folder:
            write_int8(folder, source, tree, choices, kv_cache, plan.max_rank, lambda what: progress(what, 0, 0))
            finish(folder, inner, tree)
        if plan.certificate is not None:
            certificate = certify(inner, source, plan=plan.certificate, progress=progress)
            judged(certificate, inner)
            if not certificate.passed and not plan.accept_failing:
                return certificate
            (inner / CERTIFICATE).write_bytes(certificate.to_json())
            tree["certificate"] = certificate.entry
        for path in list(inner.iterdir()):
            if path.name != "manifest.json":
                path.rename(part / path.name)
        shutil.rmtree(inner)
        finish(part, target, tree)
    state.close()
    return certificate


def dequantize(source: Bundle, target: Path, replace: bool) -> Bundle:
    """Writes the float bundle behind an INT8 one. Raises BuildError, BundleError, OSError; nothing is half-written."""
    check_target(source, target, replace)
    source.verify_rest(set())
    models = {name: onnx.load(str(source.path / entry.file), load_external_data=False)
              for name, entry in source.manifest.graphs.items()}  # fmt: skip
    int8 = {name: model for name, model in models.items() if is_quantized(model)}
    if not int8 and source.manifest.quantization is None:  # one for TensorRT alone has float graphs too
        raise BuildError(f"{source.path} is a float bundle already")
    folder = target.resolve()
    with draft(folder) as part:
        tree = tree_of(source)
        place = {name: (source.path / source.manifest.graphs[name].file).parent for name in int8}
        fill(part, source, {name: restore(model, place[name]) for name, model in int8.items()}, tree)
        finish(part, folder, tree)
    return open_bundle(folder)
