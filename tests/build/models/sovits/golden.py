"""The tiny checkpoints of ../shared/reference, their recorded arrays, and how far a result may be from them."""

import json
import lzma
import re
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from build_engines.checkpoint import open_sovits
from build_engines.models.sovits.model import Sovits, load_sovits

VERSIONS = ("v1", "v2", "v2Pro", "v2ProPlus")
CASE = re.compile(r"(?P<size>short|long)(_speed(?P<speed>[\d.]+)|_(?P<reference>tworefs|refb))?_n(?P<noise>05|0)")


@dataclass(frozen=True)
class Case:
    """One recorded utterance: what goes into the model, as tensors."""

    name: str
    codes: torch.Tensor
    phones: torch.Tensor
    frames: torch.Tensor
    noise: torch.Tensor
    reference: str  # key of `Golden.speakers`


@dataclass(frozen=True)
class Golden:
    """One version's model, its recorded arrays, and the inputs that all versions share."""

    names: tuple[str, ...]  # of the checkpoint's tensors
    model: Sovits
    arrays: dict[str, np.ndarray]
    entries: dict[str, dict]
    shared: dict[str, np.ndarray]

    def limit(self, name):
        return limit(self.entries[name])

    def speaker(self, letter):
        """Inputs of the reference encoder."""
        vector = torch.from_numpy(self.shared[f"sv_emb_{letter}"]) if self.model.config.pro else None
        return torch.from_numpy(self.shared[f"refer_{letter}"]), vector

    @torch.inference_mode()
    def speakers(self):
        """ge of a, of b, and of both."""
        a, b = (self.model.reference(*self.speaker(letter)) for letter in "ab")
        return {"a": a, "b": b, "mean_ab": (a + b) / 2}

    def cases(self):
        """Every recorded utterance."""
        for name in self.arrays:
            if name.endswith("_audio"):
                yield self.case(name.removesuffix("_audio"))

    def case(self, name):
        found = CASE.fullmatch(name)
        codes = torch.from_numpy(self.arrays[f"{found['size']}_codes"][0])
        speed = float(found["speed"] or 1)
        frames = 2 * codes.shape[1] if speed == 1 else int(2 * codes.shape[1] / speed) + 1
        noise = torch.zeros(1, self.model.config.inter_channels, frames)
        if found["noise"] == "05":
            noise = 0.5 * torch.from_numpy(self.arrays[f"eps_{name}"])
        phones = torch.from_numpy(self.arrays[f"{found['size']}_phones"])
        reference = {"tworefs": "mean_ab", "refb": "b"}.get(found["reference"], "a")
        return Case(name, codes, phones, torch.tensor([frames]), noise, reference)


def limit(entry):
    """Ten times the noise floor; the suggested tolerance where that is zero."""
    return 10 * max(entry["floor"], entry.get("floor_other_kernels", 0)) or entry["tol"]


def compare(results, golden):
    """{name: difference} of what is further from the recorded arrays than it may be; names must be recorded."""
    wrong = {}
    for name, value in results.items():
        wanted = golden.arrays[name]
        assert value.shape == wanted.shape, name
        if "exact" in golden.entries[name]:
            if not np.array_equal(value, wanted):
                wrong[name] = "differs"
        elif not (difference := np.abs(value - wanted).max()) <= golden.limit(name):
            wrong[name] = f"{difference:.2g} > {golden.limit(name):.2g}"
    return wrong


@lru_cache
def load_golden(reference, version):
    """Kept for the session: each checkpoint is 30 MB and takes a second."""
    stem = f"s2_{version}_tiny_e8_s96"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{stem}.pth"
        path.write_bytes(lzma.decompress((reference / "ckpt" / f"{stem}.pth.xz").read_bytes()))
        checkpoint = open_sovits(path)
        model = load_sovits(checkpoint)
    name = f"golden/golden_{stem}.npz"
    return Golden(checkpoint.names, model, load(reference, name), manifest(reference, name), load(reference, INPUTS))


INPUTS = "golden/reference_inputs.npz"


def load(reference, name):
    with np.load(reference / name) as file:
        return dict(file)


def manifest(reference, name):
    """What the manifest says about a file's arrays."""
    return json.loads((reference / "manifest.json").read_text())["files"][name]["arrays"]
