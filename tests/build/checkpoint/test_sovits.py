"""Version and dimensions of an acoustic model, and where settings, tag and tensors must agree."""

from dataclasses import replace

import pytest

from build_engines.checkpoint.file import open_file
from build_engines.checkpoint.objects import HParams, Storage, StoredTensor
from build_engines.checkpoint.sovits import examine_sovits

PRO_PARTS = ("sv_emb.weight", "sv_emb.bias", "ge_to512.weight", "ge_to512.bias", "prelu.weight")


@pytest.fixture(scope="module")
def file(pro_path):
    return open_file(pro_path)


def with_settings(file, section, **values):
    changed = HParams(file.settings[section])
    for key, value in values.items():
        changed[key] = value
        if value is None:
            del changed[key]
    return replace(file, settings={**file.settings, section: changed})


def with_tensors(file, *absent, **shapes):
    kept = {name: tensor for name, tensor in file.tensors.items() if name not in absent}
    made = {name: StoredTensor(Storage("0", 1), 0, shape, (1,) * len(shape)) for name, shape in shapes.items()}
    return replace(file, tensors={**kept, **made})


def problem(file):
    """The first, which is the one that a user sees."""
    problems = examine_sovits(file).problems
    assert all(line.isprintable() for line in problems)
    return problems[0]


def test_a_sound_one(file):
    found = examine_sovits(file)
    assert (found.version, found.problems, found.missing, found.extra) == ("v2Pro", (), (), ())
    assert found.config.upsample_initial_channel == 64
    assert found.readable(file) == list(file.tensors)


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        ("model", {"gin_channels": 1024}, "its config asks for"),
        ("model", {"gin_channels": None}, "model.gin_channels is missing"),
        ("model", {"upsample_rates": [10, 8, 2, 2]}, "upsampling by [10, 8, 2, 2] with kernels"),
        ("model", {"upsample_rates": [10, 8, 2, 2, 4]}, "upsampling by"),
        ("model", {"upsample_rates": []}, "model.upsample_rates is a list"),
        ("model", {"upsample_rates": [10, 8, 2, 2, 1 << 80]}, "model.upsample_rates is a list"),
        ("model", {"upsample_kernel_sizes": "16"}, "model.upsample_kernel_sizes is '16'"),
        ("model", {"upsample_kernel_sizes": [17, 16, 8, 2, 2]}, "with kernels [17"),
        ("model", {"resblock": "2"}, "model.resblock is '2'; expected '1'"),
        ("model", {"resblock_dilation_sizes": [[1, 3]] * 3}, "lists of 3 whole numbers"),
        ("model", {"resblock_dilation_sizes": 5}, "lists of 3 whole numbers"),
        ("model", {"resblock_dilation_sizes": [[1, 3, 5]] * 2}, "as many kernels as dilations"),
        ("model", {"resblock_kernel_sizes": [3, 7, 10]}, "even kernel"),
        ("model", {"n_heads": 5}, "192 hidden channels for 5 heads"),
        ("model", {"n_layers": 1}, "model.n_layers is 1"),
        ("model", {"n_layers": 4}, "is missing (and"),
        ("model", {"inter_channels": 10**9}, "model.inter_channels is 1000000000"),
        ("model", {"inter_channels": 33}, "33 latents"),
        ("model", {"upsample_initial_channel": 16}, "can't be halved 5 times"),
        ("data", {"sampling_rate": 48_000}, "48000 Hz, a hop of 640"),
        ("data", {"filter_length": 1024, "win_length": 1024}, "a spectrum of 513 bins, 704 wanted"),
        ("data", {"win_length": 4096}, "a spectrum"),
        ("data", {"hop_length": None}, "data.hop_length is missing"),
    ],
)
def test_settings_at_odds(file, section, values, said):
    assert said in problem(with_settings(file, section, **values))


@pytest.mark.parametrize("section", ["model", "data"])
def test_a_section_that_is_not_there(file, section):
    settings = {name: values for name, values in file.settings.items() if name != section}
    assert f"no section '{section}'" in problem(replace(file, settings=settings))


@pytest.mark.parametrize("name", ["ge_to512.bias", "dec.ups.0.weight_v", "dec.conv_post.weight", "sv_emb.weight"])
@pytest.mark.parametrize("tag", ["PK", "05"])
def test_a_tensor_that_is_not_there(file, name, tag):
    found = examine_sovits(replace(with_tensors(file, name), tag=tag))
    assert (found.version, found.missing) == ("v2Pro", (name,))
    assert found.problems == (f"tensor {name} is missing",)


def test_a_pro_model_without_its_pro_parts(file):
    found = examine_sovits(with_tensors(file, *PRO_PARTS))
    assert (found.version, found.missing) == ("v2Pro", PRO_PARTS)
    assert found.problems[0] == "tensor sv_emb.weight is missing (and 4 more)"


def test_wrong_shapes(file):
    assert problem(with_tensors(file, **{"prelu.weight": (64, 1)})) == (
        "tensor prelu.weight is [64, 1], its config asks for [64]"
    )
    assert "has 99 symbols" in problem(with_tensors(file, **{"enc_p.text_embedding.weight": (99, 192)}))
    assert "has 0 symbols" not in problem(with_tensors(file, **{"enc_p.text_embedding.weight": ()}))


def test_extras_are_told_but_the_posterior_encoder_is_not(file):
    found = examine_sovits(with_tensors(file, **{"enc_q.pre.weight": (4,), "odd\n\x1b[2J": (2,)}))
    assert found.problems == ()
    assert found.extra == (r"odd\n\x1b[2J",)


def test_versions_are_seen_from_the_tensors(file):
    silent = replace(with_settings(file, "model", version=None), tag="PK")
    assert examine_sovits(silent).version == "v2Pro"
    assert examine_sovits(with_tensors(silent, **{"dec.ups.0.weight_v": (64, 32, 20)})).version == "v2ProPlus"
    plain = with_tensors(silent, *PRO_PARTS)
    assert examine_sovits(plain).version == "v2"
    assert "a speaker embedding of 64; v2 needs 512" in problem(plain)
    assert "v1 needs" in problem(with_tensors(silent, **{"enc_p.text_embedding.weight": (322, 192)}))


@pytest.mark.parametrize(("tag", "said"), [("00", "v1"), ("01", "v2"), ("03", "v3 LoRA"), ("06", "v2ProPlus")])
def test_a_tag_at_odds_with_the_tensors(file, tag, said):
    assert problem(replace(file, tag=tag)) == f"its first bytes '{tag}' say {said}, its tensors are those of v2Pro"


CFM, LORA = "cfm.estimator.proj.weight", "cfm.base_model.x.to_q.lora_A.default.weight"


@pytest.mark.parametrize(
    ("names", "rank", "version", "tag", "said"),
    [
        ([CFM, "enc_p.proj.bias"], None, None, "PK", "v3 or v4"),
        ([CFM, "enc_p.proj.bias"], None, "v2Pro", "PK", "v3 or v4"),
        ([CFM, "enc_p.proj.bias"], None, "v3", "PK", "v3"),
        ([CFM, "enc_p.proj.bias"], None, "v4", "PK", "v4"),
        ([CFM, "enc_p.proj.bias"], None, None, "02", "v3"),
        ([LORA, "ref_enc.fc.fc.bias"], 32, "v3", "03", "v3 LoRA"),
        ([LORA, "ref_enc.fc.fc.bias"], 32, "v4", "04", "v4 LoRA"),
        ([LORA], None, None, "PK", "v3 or v4 LoRA"),
        (["enc_p.proj.bias", "wns1.cond_layer.bias"], None, None, "PK", "v3 or v4"),
        (["enc_p.proj.bias"], 16, "v4", "PK", "v4 LoRA"),
    ],
)
def test_later_versions_are_named(file, names, rank, version, tag, said):
    tensors = dict.fromkeys(names, file.tensors["prelu.weight"])
    later = replace(with_settings(file, "model", version=version), tensors=tensors, lora_rank=rank, tag=tag)
    found = examine_sovits(later)
    assert found.version == said
    assert found.problems == (f"this is a {said} model; only v1, v2, v2Pro and v2ProPlus can be imported",)
