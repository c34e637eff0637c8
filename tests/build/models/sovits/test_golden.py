"""The modules compute what GPT-SoVITS's own code computed: every array that was recorded, at every stage."""

import contextlib

import pytest
import torch

from tests.build.models.sovits.golden import VERSIONS, compare, load_golden


@pytest.fixture(scope="module", params=VERSIONS)
def golden(request, reference):
    return load_golden(reference, request.param)


@contextlib.contextmanager
def recorded(model):
    """What goes through the stages while the block runs, under the names of the golden files."""
    encoder = model.enc_p
    seen = {}

    def keep(*names):
        def hook(module, inputs, output):
            outputs = output if isinstance(output, tuple) else (output,)
            for name, value in zip(names, outputs, strict=True):
                seen[name] = value.numpy().copy()

        return hook

    def keep_input(name):
        return lambda module, inputs: seen.update({name: inputs[0].numpy().copy()})

    hooks = [
        encoder.encoder_ssl.register_forward_pre_hook(keep_input("enc_p_ssl_proj")),
        encoder.encoder_ssl.register_forward_hook(keep("enc_p_encoder_ssl")),
        encoder.encoder_text.register_forward_hook(keep("enc_p_encoder_text")),
        encoder.mrte.cross_attention.register_forward_hook(keep("mrte_attention")),
        encoder.mrte.register_forward_hook(keep("mrte")),
        encoder.encoder2.register_forward_hook(keep("enc_p_encoder2")),
        encoder.register_forward_hook(keep("enc_p_m", "enc_p_logs")),
        model.flow.register_forward_pre_hook(keep_input("z_p")),
        model.flow.register_forward_hook(keep("z_after_flow")),
        model.dec.conv_pre.register_forward_hook(keep("dec_conv_pre")),
        model.dec.ups[0].register_forward_hook(keep("dec_up0")),
        model.dec.register_forward_hook(keep("audio")),
    ]
    yield seen
    for hook in hooks:
        hook.remove()


@torch.inference_mode()
def enrolled(golden):
    """Everything up to ge, by the name of its array."""
    model = golden.model
    features = model.ssl_proj(torch.from_numpy(golden.shared["ssl"]))
    distances = torch.cdist(features.transpose(1, 2).double(), model.quantizer.entries.double()[None])[0]
    found = {
        "ssl_proj": features,
        "prompt_semantic": model.semantic(torch.from_numpy(golden.shared["ssl"]))[None],
        "codebook_distance_best_two": distances.topk(2, largest=False).values,
    }
    for name, ge in golden.speakers().items():
        found[f"ge_{name}"] = ge[..., None]
        if model.config.pro:
            found[f"ge512_{name}"] = model.ge_to512(ge)[..., None]
    for letter in "ab":
        spectrum, vector = golden.speaker(letter)
        found[f"ref_enc_{letter}"] = model.ref_enc(spectrum[:, : model.config.reference_bins])[..., None]
        if vector is not None:
            found[f"sv_linear_{letter}"] = model.sv_emb(vector)
    return {name: value.numpy() for name, value in found.items()}


@torch.inference_mode()
def spoken(golden):
    """Every stage of every utterance, by the name of its array."""
    model, table, speakers = golden.model, golden.model.table(), golden.speakers()
    found = {}
    for case in golden.cases():
        latents_condition, vocoder_condition = model.condition(speakers[case.reference])
        with recorded(model) as seen:
            z = model.latents(case.codes, case.phones, latents_condition, case.frames, case.noise, table)
            model.vocoder(z, vocoder_condition)
        found |= {f"{case.name}_{stage}": value for stage, value in seen.items()}
        quantized = model.quantizer.decode(case.codes).transpose(1, 2).numpy()
        size = case.name.partition("_")[0]
        found |= {f"{size}_quantized": quantized, f"{size}_upsampled": quantized.repeat(2, axis=2)}
    return found


def test_every_recorded_array(golden):
    given = {name for name, entry in golden.entries.items() if "input" in entry}
    given |= {f"{size}_{kind}" for size in ("short", "long") for kind in ("codes", "phones")}
    results = enrolled(golden) | spoken(golden)
    assert golden.entries.keys() - given - results.keys() == set()  # nothing recorded is left out
    results = {name: value for name, value in results.items() if name in golden.entries}
    assert compare(results, golden) == {}


def test_arrays_tell_a_mistake_from_noise(golden):
    case, speakers = golden.case("short_n0"), golden.speakers()
    codes = case.codes.clone()
    codes[0, 1] = (codes[0, 1] + 1) % 1024
    with torch.inference_mode():
        condition, _ = golden.model.condition(speakers["a"])
        z = golden.model.latents(codes, case.phones, condition, case.frames, case.noise, golden.model.table())
    assert compare({"short_n0_z_after_flow": z.numpy()}, golden)


def test_all_weights_of_the_checkpoint_are_used(golden):
    used = set(golden.model.state_dict())
    used |= {f"{name}_{part}" for name in used for part in "gv"}
    left = {name.removeprefix("quantizer.vq.layers.0._codebook.") for name in set(golden.names) - used}
    assert left == {"inited", "cluster_size", "embed_avg"}
