"""What comes from a bundle is bytes that anybody may have written: no reader may fail in any other way than its own."""

import contextlib

import numpy as np
import pytest

from edge_tts.bundle import parse_manifest
from edge_tts.bundle.external import external_files
from edge_tts.bundle.speaker import parse_speaker
from edge_tts.errors import BundleError


def mutations(raw, count, seed):
    """Copies of `raw` with a few bytes changed, removed, doubled or cut off."""
    random = np.random.Generator(np.random.Philox(seed))
    for _ in range(count):
        bent = bytearray(raw)
        for _ in range(int(random.integers(1, 4))):
            at = int(random.integers(0, len(bent)))
            kind = int(random.integers(0, 4))
            if kind == 0:
                bent[at] = int(random.integers(0, 256))
            elif kind == 1:
                del bent[at : at + int(random.integers(1, 9))]
            elif kind == 2:
                bent[at:at] = bent[at : at + 20]
            else:
                del bent[max(1, at) :]
        yield bytes(bent)


def survivors(parse, raw, count, seed=1):
    """How many mutations are refused; anything but BundleError passes through and fails the test."""
    refused = 0
    for bent in mutations(raw, count, seed):
        with contextlib.suppress(BundleError):
            parse(bent)
            continue
        refused += 1
    return refused


def test_manifest(tiny_bundle):
    raw = (tiny_bundle / "manifest.json").read_bytes()
    assert survivors(parse_manifest, raw, 400) > 200


@pytest.mark.parametrize("graph", ["latents", "gpt_step"])
def test_graph(tiny_bundle, graph):
    raw = (tiny_bundle / "graphs" / f"{graph}.onnx").read_bytes()
    assert survivors(external_files, raw, 300) > 50


def test_speaker(tiny_bundle):
    manifest = parse_manifest((tiny_bundle / "manifest.json").read_bytes())
    raw = (tiny_bundle / "speakers/ada.safetensors").read_bytes()
    assert survivors(lambda bent: parse_speaker(bent, manifest, "ada"), raw, 600) > 300
