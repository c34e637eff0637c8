"""ERes2NetV2: the original's names, its numbers, and the two ideas of the network by hand."""

import hashlib
import zlib

import numpy as np
import pytest
import torch

from build_engines.errors import BuildError
from build_engines.models.eres2net import AFF, ERes2NetConfig, ERes2NetV2, Res2Block, load_eres2net, speaker_vector

SMALL = ERes2NetConfig(channels=16, blocks=(1, 1, 1, 1), base_width=16, groups=2, expansion=2)
# Recorded from GPT-SoVITS's own ERes2NetV2 (baseWidth 24, scale 4, expansion 4) with `random_weight`'s weights and
# `random_features` as input of its forward3: norm, mean, and every 640th number.
GOLDEN_NAMES = "d518ee485e00a245ad6167dc92fc28c991d11c06c720ab39a5c09647b86febeb"
GOLDEN_NORM, GOLDEN_MEAN = 83.6769, 0.290482
GOLDEN = [
    0.93879, 0.66974, 0.35710, -0.15164, 0.27221, 0.60864, 0.36480, -0.02890,
    0.12006, 0.05907, -0.03254, 0.46511, 0.76990, 0.40329, 0.11994, -0.36807,
    0.57178, 0.16159, 0.52590, 0.33592, 0.17425, 0.07660, 0.60466, 0.37855,
    0.40531, 0.10665, -0.03477, 0.00941, 0.83024, 0.70649, -0.20052, 0.50799,
]  # fmt: skip


def random_weight(name, shape):
    """Weights that keep a signal at its size through all layers, each drawn from its name alone."""
    uniform = np.random.Generator(np.random.Philox(zlib.crc32(name.encode()))).random(shape) * 2 - 1
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        weight = (1 + uniform / 2) * (0.3 if "bn3" in name else 1)
    elif len(shape) == 1:
        weight = uniform / 5
    else:
        weight = uniform * np.sqrt(1.5 / np.prod(shape[1:]))
    return torch.from_numpy(weight.astype(np.float32))


def random_features(frames):
    uniform = np.random.Generator(np.random.Philox(0)).random((1, frames, 80))
    return torch.from_numpy((uniform * 12 - 10).astype(np.float32))


def is_weight(name):
    return not name.endswith("num_batches_tracked")


def random_state(config):
    with torch.device("meta"):
        state = ERes2NetV2(config).state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items() if is_weight(name)}
    return {name: random_weight(name, shape) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def small_state():
    return random_state(SMALL)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """The full-size network, through a checkpoint with the head that GPT-SoVITS does not use."""
    path = tmp_path_factory.mktemp("sv") / "full.ckpt"
    head = {"seg_1.weight": torch.zeros(192, 8), "seg_1.bias": torch.zeros(192)}
    torch.save(random_state(ERes2NetConfig()) | head, path)
    model = load_eres2net(path)
    path.unlink()
    return model


def test_names_and_sizes_are_the_original_s(full):
    listed = sorted(f"{name} {tuple(value.shape)}" for name, value in full.state_dict().items() if is_weight(name))
    assert hashlib.sha256("\n".join(listed).encode()).hexdigest() == GOLDEN_NAMES


def test_numbers_are_the_original_s(full):
    with torch.no_grad():
        vector = full(random_features(57))[0].numpy()
    assert vector.shape == (20480,)
    np.testing.assert_allclose([np.linalg.norm(vector), vector.mean()], [GOLDEN_NORM, GOLDEN_MEAN], rtol=1e-4)
    np.testing.assert_allclose(vector[::640], GOLDEN, atol=1e-4)


def by_hand(block, x):
    """1×1 convolution or norm of `block` on x [C, H, W] in plain numpy."""
    state = {name: value.numpy().astype(np.float64) for name, value in block.state_dict().items()}
    if "running_var" in state:
        scale = state["weight"] / np.sqrt(state["running_var"] + 1e-5)
        return (x - state["running_mean"][:, None, None]) * scale[:, None, None] + state["bias"][:, None, None]
    bias = state.get("bias", np.zeros(1))[:, None, None]
    weight = state["weight"]
    if weight.shape[2] == 1:
        return np.einsum("oi,ihw->ohw", weight[:, :, 0, 0], x) + bias
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    height, width = x.shape[1:]
    taps = [(i, j) for i in range(3) for j in range(3)]
    parts = [np.einsum("oi,ihw->ohw", weight[:, :, i, j], padded[:, i : i + height, j : j + width]) for i, j in taps]
    return sum(parts) + bias


def filled(module):
    """The module with random weights and in eval mode."""
    shapes = {name: tuple(value.shape) for name, value in module.state_dict().items() if is_weight(name)}
    module.load_state_dict({name: random_weight(name, shape) for name, shape in shapes.items()}, strict=False)
    return module.eval()


def aff_by_hand(aff, x, y):
    first, norm, _, second, last = aff.local_att
    hidden = by_hand(norm, by_hand(first, np.concatenate([x, y])))
    share = np.tanh(by_hand(last, by_hand(second, hidden / (1 + np.exp(-hidden)))))
    return x * (1 + share) + y * (1 - share)


def test_fusion_by_hand():
    aff = filled(AFF(8))
    x, y = np.random.default_rng(1).standard_normal((2, 8, 3, 5)).astype(np.float32)
    with torch.no_grad():
        made = aff(torch.from_numpy(x)[None], torch.from_numpy(y)[None])[0].numpy()
    np.testing.assert_allclose(made, aff_by_hand(aff, x, y), atol=1e-5)
    assert np.abs(made - x - y).max() > 0.1  # the shares are not equal


@pytest.mark.parametrize("fused", [False, True])
def test_block_by_hand(fused):
    block = filled(Res2Block(SMALL, 6, 16, 1, fused))
    x = np.random.default_rng(2).standard_normal((6, 4, 5)).astype(np.float32) * 9

    def relu20(values):
        return np.clip(values, 0, 20)

    middle = relu20(by_hand(block.bn1, by_hand(block.conv1, x)))
    first = relu20(by_hand(block.bns[0], by_hand(block.convs[0], middle[:4])))
    joined = aff_by_hand(block.fuse_models[0], first, middle[4:]) if fused else first + middle[4:]
    second = relu20(by_hand(block.bns[1], by_hand(block.convs[1], joined)))
    end = by_hand(block.bn3, by_hand(block.conv3, np.concatenate([first, second])))
    expected = relu20(end + by_hand(block.shortcut[1], by_hand(block.shortcut[0], x)))
    with torch.no_grad():
        made = block(torch.from_numpy(x)[None])[0].numpy()
    np.testing.assert_allclose(made, expected, atol=1e-4)


def test_a_vector_of_audio(small_state, tmp_path):
    torch.save(small_state, tmp_path / "small.ckpt")
    model = load_eres2net(tmp_path / "small.ckpt", SMALL)
    audio = np.random.default_rng(3).standard_normal(8000).astype(np.float32) / 9
    vector = speaker_vector(model, audio)
    assert vector.shape == (SMALL.vector_size,)
    assert vector.dtype == np.float32
    assert np.abs(vector - speaker_vector(model, audio[:7000])).max() > 1e-3
    np.testing.assert_array_equal(vector, speaker_vector(model, audio))
    with pytest.raises(BuildError, match="399 samples is too short"):
        speaker_vector(model, audio[:399])


def test_half_precision_weights_are_widened(small_state, tmp_path):
    torch.save({name: value.half() for name, value in small_state.items()}, tmp_path / "half.ckpt")
    model = load_eres2net(tmp_path / "half.ckpt", SMALL)
    assert {value.dtype for name, value in model.state_dict().items() if is_weight(name)} == {torch.float32}


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    with pytest.raises(BuildError, match=r"no\.ckpt is missing: put pretrained_eres2netv2w24s4ep4\.ckpt there, from"):
        load_eres2net(tmp_path / "no.ckpt", SMALL)


def test_another_network_is_refused(small_state, tmp_path):
    path = tmp_path / "other.ckpt"
    torch.save({name: value for name, value in small_state.items() if not name.startswith("fuse34")}, path)
    with pytest.raises(BuildError, match=r"not ERes2NetV2 \(12 of \d+ tensors are missing, first 'fuse34"):
        load_eres2net(path, SMALL)
    torch.save(small_state | {"bn1.weight": torch.zeros(3)}, path)
    with pytest.raises(BuildError, match=r"another ERes2Net \('bn1.weight' is \[3\], not \[16\]\)"):
        load_eres2net(path, SMALL)
    torch.save([1, 2], path)
    with pytest.raises(BuildError, match="not a plain dictionary of tensors"):
        load_eres2net(path, SMALL)
