"""The report: one page that needs nothing else, with sound, pictures, and every layer where that is known."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest

from build_engines.certify.accounts import read_accounts
from build_engines.certify.report import render, write_report
from build_engines.quantize.layers import FloatGraph
from edge_tts.bundle import open_bundle
from tests.tiny_bundle import read_manifest, write_manifest

LAYER = {
    "name": "/h.0/<linear>",
    "kind": "MatMul",
    "snr_db": 31.5,
    "gain_share": 0.25,
    "kept": "int8",
    "reason": "gains",
}
KEPT = {**LAYER, "name": "/h.1/linear", "snr_db": 12.5, "kept": "float", "reason": "costs too much"}
UNTRIED = {**LAYER, "name": "/h.2/linear", "snr_db": None, "kept": "float", "reason": "INT8 is not faster here"}
ACCOUNT = {
    "snr_db": 28.0, "method": "entropy", "methods": {"max": 20.5, "entropy": 28.5},
    "layers": [LAYER, KEPT, UNTRIED], "search": [{"kept_float": 1, "snr_db": 27.5}],
}  # fmt: skip


def bundle_with(account, good_bundle, folder):
    shutil.copytree(good_bundle, folder)
    (folder / "quantization.json").write_text(json.dumps(account), encoding="utf-8")
    write_manifest(folder, read_manifest(folder))
    return open_bundle(folder)


def test_it_refers_to_nothing_outside_and_has_sound_and_pictures(good, good_bundle, float_bundle):
    page = render(good, open_bundle(good_bundle), open_bundle(float_bundle))
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "http" not in page
    assert page.count("<audio") == 2 * len(good.examples) > 0
    assert page.count("<img") == len(good.examples) + 2
    assert "all bars are met" in page
    assert "no quantization.json" in page


def test_a_failing_one_shows_which_bars_are_missed(bad, bad_bundle, float_bundle):
    page = render(bad, open_bundle(bad_bundle), open_bundle(float_bundle))
    missed = sum(check.passed is False for check in bad.checks)
    assert page.count(">missed<") == missed > 0
    assert ">failed<" in page


def test_every_layer_with_its_fate(good, good_bundle, tmp_path, float_bundle):
    made = bundle_with({"cpu": {"gpt_step": ACCOUNT}}, good_bundle, tmp_path / "voice")
    page = render(good, made, open_bundle(float_bundle))
    assert "cpu gpt_step" in page
    assert page.index("/h.1/linear") < page.index("/h.0/&lt;linear&gt;") < page.index("/h.2/linear")
    assert "max 20.5 dB, entropy 28.5 dB (taken)" in page
    assert "the search, 1 steps" in page


def test_a_layer_of_the_cpu_is_timed_alone(good, good_bundle, float_bundle, tmp_path):
    source = open_bundle(float_bundle)
    layer = FloatGraph(float_bundle / source.manifest.graphs["gpt_step"].file).layers[0]
    timed = {**LAYER, "name": layer.name, "rows": 1.0}
    folder = tmp_path / "voice"
    made = bundle_with({"targets": {"cpu": {"gpt_step": {**ACCOUNT, "layers": [timed, KEPT]}}}}, good_bundle, folder)
    cells = re.findall(r"<td>(\d+ → \d+)</td>", render(good, made, source))
    assert len(cells) == 1


def test_what_sounds_like_nothing_can_be_drawn_too(bad, bad_bundle, float_bundle):
    silent = [
        dataclasses.replace(example, after=np.full_like(example.after, value))
        for example, value in zip(bad.examples, (np.nan, 0.0), strict=False)
    ]
    render(dataclasses.replace(bad, examples=tuple(silent)), open_bundle(bad_bundle), open_bundle(float_bundle))


def test_it_is_written_in_one_step(good, good_bundle, tmp_path, float_bundle):
    write_report(tmp_path / "new" / "page.html", good, open_bundle(good_bundle), open_bundle(float_bundle))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("account", "titles"),
    [
        ({"graphs": {"latents": ACCOUNT}}, ["latents"]),
        ({"cpu": {"gpt_step": ACCOUNT}, "tensorrt": {"gpt_step": ACCOUNT}}, ["cpu gpt_step", "tensorrt gpt_step"]),
        ({"targets": {"cpu": {"graphs": {"vocoder": ACCOUNT}}}}, ["cpu vocoder"]),
        ({"something": [1, "else"]}, []),
        ([], []),
    ],
)
def test_accounts_are_found_wherever_they_lie(account, titles, good_bundle, tmp_path):
    found = read_accounts(bundle_with(account, good_bundle, tmp_path / "voice"))
    assert [one.title for one in found] == titles
    for one in found:
        assert [layer.is_int8 for layer in one.layers] == [True, False, False]
        assert one.layers[2].snr_db is None
