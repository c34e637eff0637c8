"""Text-to-semantic checkpoints ("s1", .ckpt): dimensions and version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from build_engines.checkpoint.errors import CheckpointError
from build_engines.checkpoint.examination import Examination, compare
from build_engines.checkpoint.file import CheckpointFile
from build_engines.checkpoint.header import PLAIN, tag_version
from build_engines.checkpoint.layout import CODES, gpt_shapes
from build_engines.checkpoint.settings import Section

__all__ = ["GPT_PREFIX", "GptDimensions", "examine_gpt"]

GPT_PREFIX = "model."

_VERSION_OF_PHONES = {512: "v1", 732: "v2"}
_TEXT_TABLE = f"{GPT_PREFIX}ar_text_embedding.word_embeddings.weight"


@dataclass(frozen=True)
class GptDimensions:
    """As GPT-SoVITS names them, with the sampler's ``top_k`` and the longest speech of one sentence."""

    vocab_size: int
    phoneme_vocab_size: int
    hidden_dim: int
    head: int
    n_layer: int
    top_k: int
    max_seconds: float


def examine_gpt(file: CheckpointFile) -> Examination[GptDimensions]:
    """Settings and tensors of a GPT against each other."""
    problems, config, shapes = [], None, {}
    if file.tag != PLAIN:
        problems.append(f"its first bytes {file.tag!r} say {tag_version(file.tag)}, but it is a GPT, which has no tag")
    try:
        config = _dimensions(file.settings)
    except CheckpointError as error:
        problems.append(str(error))
    else:
        plain = gpt_shapes(
            vocab_size=config.vocab_size, phoneme_vocab_size=config.phoneme_vocab_size,
            hidden_dim=config.hidden_dim, n_layer=config.n_layer,
        )  # fmt: skip
        shapes = {f"{GPT_PREFIX}{name}": shape for name, shape in plain.items()}
    table = file.tensors.get(_TEXT_TABLE)
    version = None if table is None else _VERSION_OF_PHONES.get(table.shape[0] if table.shape else 0)
    return compare(file, version, config, shapes, problems)


def _dimensions(settings: Mapping[str, object]) -> GptDimensions:
    """Raises CheckpointError: a setting is missing, absurd or at odds with another."""
    model = Section(settings, "model")
    hidden = model.whole("hidden_dim", 2, 4096)
    head = model.whole("head", 1, 256)
    vocab = model.whole("vocab_size", 2, CODES + 1)
    phones = model.whole("phoneme_vocab_size", 1, 1 << 16)
    model.expect("embedding_dim", hidden)
    model.expect("EOS", vocab - 1)
    if hidden % head or hidden % 2:
        raise CheckpointError(f"its config's model.hidden_dim {hidden} can't be shared by {head} heads")
    if phones not in _VERSION_OF_PHONES:
        raise CheckpointError(f"its config's model.phoneme_vocab_size is {phones}; v1 has 512 phones, v2 and later 732")
    return GptDimensions(
        vocab_size=vocab,
        phoneme_vocab_size=phones,
        hidden_dim=hidden,
        head=head,
        n_layer=model.whole("n_layer", 1, 128),
        top_k=Section(settings, "inference", optional=True).whole("top_k", 1, CODES + 1, default=15),
        max_seconds=Section(settings, "data", optional=True).number("max_sec", 1, 600, default=54),
    )
