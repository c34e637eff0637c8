"""Every malformed file of the reference is treated as its manifest asks, in little memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from build_engines.checkpoint import CheckpointError, identify, open_gpt, open_sovits

# Peak resident memory while each file is opened, over what was there before: "name size refused growth" lines.
MEASURE = """
import gc, sys
from pathlib import Path
from build_engines.checkpoint import CheckpointError, open_gpt, open_sovits
import build_engines.models.gpt

def memory(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))

for path in sorted(Path(sys.argv[1]).iterdir()):
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before, refused = memory("VmRSS:"), False
    try:
        (open_gpt if path.suffix == ".ckpt" else open_sovits)(path)
    except CheckpointError:
        refused = True
    print(path.name, path.stat().st_size, refused, memory("VmHWM:") - before)
"""
SLACK_BYTES = 512 << 10  # memory comes in pages and arenas


def careful(reference):
    files = json.loads((reference / "manifest.json").read_text())["files"]
    return {
        Path(name).name.removesuffix(".xz"): entry["careful_loader"]
        for name, entry in files.items()
        if name.startswith("bad/")
    }


def test_each_is_refused_or_loaded(reference, unpacked):
    wanted = careful(reference)
    assert len(wanted) > 30
    for name, behaviour in wanted.items():
        open_ = open_gpt if name.endswith(".ckpt") else open_sovits
        if behaviour.startswith("load"):
            assert open_(unpacked / name).version == ("v2" if name.endswith(".ckpt") else "v2Pro"), name
            assert identify(unpacked / name).problems == ()
            continue
        assert behaviour.startswith("reject")
        with pytest.raises(CheckpointError) as caught:
            open_(unpacked / name)
        assert str(caught.value).startswith(f"{unpacked / name}: ")
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("truncated.ckpt", "cut short"),
        ("empty.ckpt", "empty"),
        ("forbidden_global.ckpt", "'os.getcwd'"),
        ("missing_tensor.ckpt", "model.h.layers.0.norm2.bias is missing"),
        ("nan_weight.ckpt", "model.h.layers.0.linear1.weight[3, 5] is not a number"),
        ("inf_weight.ckpt", "model.ar_predict_layer.weight[9, 2] is infinite"),
        ("config_wider.ckpt", "[16, 1024], its config asks for [32, 1024]"),
        ("huge_storage.ckpt", "1099511627776 halves"),
        ("view_out_of_bounds.ckpt", "11712 numbers into a record of 16"),
        ("dangling_record.ckpt", "'data/999'"),
        ("deflate_bomb.ckpt", "compressed"),
        ("git_lfs_pointer.pth", "git lfs pull"),
        ("html.pth", "web page"),
        ("header07.pth", "30 37"),
        ("header03_on_full.pth", "'03' say v3 LoRA"),
        ("missing_sv_emb.pth", "sv_emb.weight is missing"),
        ("nan_weight.pth", "enc_p.encoder2.norm_layers_1.0.gamma[7] is not a number"),
        ("zero_norm_row.pth", "dec.ups.1.weight_v[2] is all zero"),
        ("shape_vs_config.pth", "its config asks for"),
    ],
)
def test_the_line_says_what_and_where(unpacked, name, said):
    with pytest.raises(CheckpointError) as caught:
        (open_gpt if name.endswith(".ckpt") else open_sovits)(unpacked / name)
    assert said in str(caught.value)


def test_nothing_is_called(unpacked, monkeypatch):
    monkeypatch.setattr(os, "getcwd", lambda: pytest.fail("it was called"))
    for open_, name in ((open_gpt, "forbidden_global.ckpt"), (open_sovits, "forbidden_global.pth")):
        with pytest.raises(CheckpointError):
            open_(unpacked / name)


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="the peak can't be reset here")
def test_memory_stays_below_the_files_size(unpacked):
    script = subprocess.run([sys.executable, "-c", MEASURE, str(unpacked)], capture_output=True, text=True, check=True)
    lines = [line.split() for line in script.stdout.splitlines()]
    assert len(lines) == len(list(unpacked.iterdir()))
    assert {refused for *_, refused, _ in lines} == {"True", "False"}
    for name, size, _, growth in lines:
        assert int(growth) < 1.2 * int(size) + SLACK_BYTES, name
