"""Small networks with random weights, exported once: what several tests of the builder look at."""

from dataclasses import dataclass
from pathlib import Path

import onnxruntime
import pytest
import torch

from build_engines.export import export_decoder, export_gpt
from build_engines.models.decoder import Decoder, DecoderConfig
from build_engines.models.gpt import GPT, GPTConfig

GPT_CONFIG = GPTConfig(
    vocab_size=65, hidden_dim=64, head=2, n_layer=3, linear_units=128, feature_dim=8, pointer_window=4, pointer_layer=1
)
DECODER_CONFIG = DecoderConfig(dim=32, ge_dim=8, phone_dim=16, blocks=(1, 2, 1))


@dataclass(frozen=True)
class Exported:
    """The networks and the folder of their four graphs."""

    gpt: GPT
    decoder: Decoder
    folder: Path

    def session(self, graph: str, folder: Path | None = None) -> onnxruntime.InferenceSession:
        return open_session((folder or self.folder) / f"{graph}.onnx")


def open_session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """The tests must not take a core from what else runs."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded():
    """Random networks are the same whatever ran before."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def exported(tmp_path_factory, one_thread):
    """Not to be changed."""
    torch.manual_seed(0)
    gpt, decoder = GPT(GPT_CONFIG).eval(), Decoder(DECODER_CONFIG).eval()
    torch.nn.init.normal_(gpt.pointer.offset_bias, std=1.0)  # untrained, it would hardly ever move
    torch.nn.init.normal_(decoder.vocoder.head.weight, std=0.05)
    folder = tmp_path_factory.mktemp("graphs")
    export_gpt(gpt, folder)
    export_decoder(decoder, folder)
    return Exported(gpt, decoder, folder)
