"""edge_tts.gpt.cache: rows keep their values when the cache grows, and a step can't tell how much room there is."""

import numpy as np
import pytest

from edge_tts.bundle import locate, open_bundle, search_path
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.gpt.cache import GROWTH_ROWS, KVCache
from edge_tts.gpt.decoder import GptGraphs
from edge_tts.graphs import load_graphs
from tests.tiny_bundle import make_bundle

LAYERS, HEADS, WIDTH = 2, 3, 4
TOKENS = 3 * GROWTH_ROWS + 5


def rows(count, dtype=np.float32, seed=0):
    """Keys or values of a prefill."""
    return np.random.default_rng(seed).integers(-100, 100, (LAYERS, 1, HEADS, count, WIDTH)).astype(dtype)


def arrays(cache):
    return {name: array for name, (_, array) in cache.states().items()}


@pytest.mark.parametrize("dtype", [np.float32, np.int8])
def test_rows_stay_when_it_grows(dtype):
    keys, values = rows(7, dtype), rows(7, dtype, 1)
    cache = KVCache(keys, values, 400)
    assert cache.room == 7 + GROWTH_ROWS
    moves = 0
    for row in range(7, 400):
        full = cache.room == row
        assert cache.reserve(row + 1) == full
        moves += full
        assert row < cache.room <= row + 1 + max(GROWTH_ROWS, (row + 1) // 16)
        for name, array in arrays(cache).items():
            assert array.flags.c_contiguous
            array[:, :, row] = row % 100 if "key" in name else -(row % 100)
    assert cache.room == 400
    assert moves < 400 / GROWTH_ROWS
    for name, array in arrays(cache).items():
        kind, layer = name.split("_")[1:]
        first = (keys if kind == "key" else values)[int(layer)]
        np.testing.assert_array_equal(array[:, :, :7], first)
        wanted = np.arange(7, 400) % 100 * (1 if kind == "key" else -1)
        np.testing.assert_array_equal(array[0, 0, 7:, 0], wanted.astype(dtype))


def test_it_never_grows_beyond_its_bound():
    cache = KVCache(rows(4), rows(4), 9)
    assert cache.room == 9
    assert not cache.reserve(10)
    assert cache.room == 9


def test_all_at_once_where_the_step_holds_the_cache():
    cache = KVCache(rows(4), rows(4), 90, grows=False)
    assert cache.room == 90
    assert not cache.reserve(90)


def test_names_are_those_of_the_graph():
    states = KVCache(rows(4), rows(4), 9).states()
    assert states["present_value_1"][0] == "past_value_1"
    assert len(states) == 2 * LAYERS


def play(gpt, speaker, seed=0):
    """Logits and pointers of forced tokens, far beyond the first buffers."""
    random = np.random.default_rng(seed)
    features = random.standard_normal((8, gpt.spec.feature_dim)).astype(np.float32)
    decoder = gpt.start(random.integers(1, 20, 8), features, speaker, TOKENS + 1)
    made, output = [], decoder.first
    for index, token in enumerate(random.integers(0, gpt.spec.eos, TOKENS)):
        output = decoder.step(index, int(token), output.pointer)
        made.append((output.logits.copy(), output.pointer))
    return made


@pytest.fixture(params=["pointers", "classic", "default voice"])
def voice(request, tmp_path):
    if request.param == "default voice":
        return open_bundle(locate("default", search_path({}, tmp_path)))
    return open_bundle(make_bundle(tmp_path / "voice", classic=request.param == "classic"))


def test_a_step_can_not_tell(voice):
    """Bit for bit what buffers with room for everything give."""
    gpt = load_graphs(voice, OnnxEngine()).gpt
    roomy = GptGraphs(gpt.prefill, gpt.step, gpt.spec, step_holds_cache=True)
    speaker = voice.speaker(next(iter(voice.manifest.speakers)))
    for (grown, at), (whole, there) in zip(play(gpt, speaker), play(roomy, speaker), strict=True):
        np.testing.assert_array_equal(grown, whole)
        assert at == there
