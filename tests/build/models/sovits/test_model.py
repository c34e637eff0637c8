"""Weights from a checkpoint, and the model's methods on random ones."""

import numpy as np
import pytest
import torch

from build_engines.errors import BuildError
from build_engines.models.sovits.model import Sovits, fold, load_sovits
from tests.build.models.sovits.small import PRO, SMALL


class Memory:
    """A checkpoint of the model's own random weights; generator and flow under weight norm, as in a file."""

    def __init__(self, config):
        torch.manual_seed(1)
        self.config = config
        self.tensors = {
            name: value.numpy() for name, value in Sovits(config).requires_grad_(False).state_dict().items()
        }
        self.tensors["quantizer.vq.layers.0._codebook.embed"] = torch.randn(1024, 768).numpy()
        self.tensors["enc_q.pre.weight"] = np.zeros(3, np.float32)
        for name in [name for name in self.tensors if name.startswith("dec.ups") and name.endswith("weight")]:
            weight = self.tensors.pop(name)
            norm = np.sqrt((weight**2).sum(axis=(1, 2), keepdims=True))
            self.tensors |= {f"{name}_v": 3 * weight, f"{name}_g": norm}
        self.read = []

    @property
    def names(self):
        return tuple(self.tensors)

    def tensor(self, name):
        self.read.append(name)
        return self.tensors[name]


@pytest.fixture(params=[SMALL, PRO], ids=["v2", "v2Pro"])
def checkpoint(request):
    return Memory(request.param)


def test_weight_norm_is_folded(checkpoint):
    found = load_sovits(checkpoint).state_dict()
    torch.manual_seed(1)
    for name, value in Sovits(checkpoint.config).state_dict().items():
        if name.startswith("dec"):
            assert torch.allclose(found[name], value, rtol=1e-6), name


def test_only_what_is_needed_is_read_and_once(checkpoint):
    load_sovits(checkpoint)
    assert sorted(checkpoint.read) == sorted(set(checkpoint.names) - {"enc_q.pre.weight"})


def test_shapes_from_text_to_sound(checkpoint):
    model, config = load_sovits(checkpoint), checkpoint.config
    vector = torch.randn(1, 20_480) if config.pro else None
    ge = model.reference(torch.rand(1, 65, 9), vector)
    assert ge.shape == (1, config.gin_channels)
    latents_condition, vocoder_condition = model.condition(ge)
    assert latents_condition.shape == (1, 16 + 4 * 8 * 16)
    assert vocoder_condition.shape == (1, 32)
    codes = model.semantic(torch.randn(1, 768, 15))
    assert codes.shape == (1, 7)
    frames, noise = torch.tensor([17]), torch.randn(1, 8, 17)
    z = model.latents(codes, torch.arange(11)[None], latents_condition, frames, noise, model.table())
    assert z.shape == (1, 8, 17)
    audio = model.vocoder(z, vocoder_condition)
    assert audio.shape == (1, 17 * 640)


def test_a_code_is_the_nearest_entry():
    model = load_sovits(Memory(SMALL))
    entries = model.quantizer.entries
    wanted = torch.tensor([[5, 1023, 0, 5]])
    near = entries[wanted] + 0.01 * torch.randn(1, 4, 768)
    assert torch.equal(model.quantizer.encode(near.transpose(1, 2)), wanted)
    entries[9] = entries[5]
    assert torch.equal(model.quantizer.encode(near.transpose(1, 2)), wanted)  # of equal entries the first


@pytest.mark.parametrize("shape", [(6, 4, 3), (5, 7, 1)])
def test_fold_equals_weight_norm(shape):
    direction, length = torch.randn(shape), torch.rand(shape[0], 1, 1)
    assert torch.allclose(fold(direction, length, "w"), torch._weight_norm(direction, length, 0))


def test_a_direction_of_zero_is_refused():
    checkpoint = Memory(SMALL)
    checkpoint.tensors["dec.ups.1.weight_v"][2] = 0
    with pytest.raises(BuildError, match=r"dec\.ups\.1\.weight_v is all zero in row 2"):
        load_sovits(checkpoint)


@pytest.mark.parametrize("name", ["enc_p.proj.bias", "dec.ups.0.weight_g"])
def test_a_missing_tensor_is_named(name):
    checkpoint = Memory(SMALL)
    del checkpoint.tensors[name]
    with pytest.raises(BuildError, match=f"no tensor {name}"):
        load_sovits(checkpoint)


def test_a_wrong_shape_is_named():
    checkpoint = Memory(SMALL)
    checkpoint.tensors["enc_p.proj.bias"] = np.zeros(5, np.float32)
    with pytest.raises(BuildError, match=r"enc_p\.proj\.bias has the shape \[5\], its config says \[16\]"):
        load_sovits(checkpoint)
