"""Text features: ids as BERT's own tokenizer gives them, one row per phone."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from transformers import BertTokenizer

from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import BundleError
from edge_tts.text_features import TextFeatures, parse_vocabulary

CHARACTERS = "你好世界今天气很重要们一不了的,.!?…-"
TOKENS = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS, "##好", "##.", "你好", "的的", "..."]
VOCABULARY = ("\n".join(TOKENS) + "\n").encode()
WIDTH = 3


def table_graph(source="ids", output="features"):
    """A graph whose row for a character is (id, the first character's id, how many characters it sees)."""
    nodes = [
        helper.make_node("Cast", [source], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["x", "one", "end", "axis"], ["inside"]),
        helper.make_node("Slice", ["x", "one", "two", "axis"], ["first"]),
        helper.make_node("Mul", ["inside", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "first"], ["firsts"]),
        helper.make_node("Shape", ["inside"], ["shape"], start=1),
        helper.make_node("Cast", ["shape"], ["count"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["zeros", "count"], ["counts"]),
        helper.make_node("Unsqueeze", ["inside", "last"], ["a"]),
        helper.make_node("Unsqueeze", ["firsts", "last"], ["b"]),
        helper.make_node("Unsqueeze", ["counts", "last"], ["c"]),
        helper.make_node("Concat", ["a", "b", "c"], [output], axis=2),
    ]
    constants = {"one": [1], "two": [2], "end": [-1], "axis": [1], "last": [2]}
    weights = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()]
    weights.append(numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
    return loaded(nodes, source, output, [1, "characters", WIDTH], weights)


def loaded(nodes, source, output, shape, weights=()):
    ids = helper.make_tensor_value_info(source, TensorProto.INT64, [1, "tokens"])
    features = helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "table", [ids], [features], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return OnnxEngine().load("text_features.zh", model.SerializeToString())


@pytest.fixture(scope="module")
def features():
    return TextFeatures(table_graph(), VOCABULARY)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """Hugging Face's, of the same vocabulary."""
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "vocab.txt").write_bytes(VOCABULARY)
    return BertTokenizer.from_pretrained(str(folder), local_files_only=True)


def random_text(seed, alphabet):
    rng = np.random.default_rng(seed)
    return "".join(rng.choice(list(alphabet), rng.integers(1, 60)))


@pytest.mark.parametrize("seed", range(20))
def test_ids_equal_those_of_bert_s_tokenizer(features, tokenizer, seed):
    # 龘 and 鼹 have no token of their own; marks stand in rows, as "..." has a token that must not be taken.
    text = random_text(seed, CHARACTERS + "龘鼹...--…")
    np.testing.assert_array_equal(features.ids(text)[0], tokenizer(text)["input_ids"])


def test_every_chinese_character_is_one_token(tokenizer):
    every = "".join(map(chr, range(0x4E00, 0x9FA6)))  # what GPT-SoVITS's normaliser lets through
    lookup = TextFeatures(table_graph(), ("\n".join(dict.fromkeys([*TOKENS, *every[::2]]))).encode())
    assert len(lookup.ids(every)[0]) == len(tokenizer(every, verbose=False)["input_ids"]) == len(every) + 2
    assert list(lookup.ids(every[:2])[0, 1:-1]) == [TOKENS.index("一"), TOKENS.index("[UNK]")]


def test_a_row_for_each_phone_of_a_character(features):
    made = features.features("你好,龘", (2, 3, 1, 0))
    ids = [TOKENS.index(character) for character in "你好,"]
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made[:, 0], [ids[0]] * 2 + [ids[1]] * 3 + [ids[2]])
    np.testing.assert_array_equal(made[:, 2], 4)  # all four are looked at


def test_no_text_has_no_rows(features):
    assert features.features("", ()).shape == (0, WIDTH)


def test_a_count_for_every_character(features):
    with pytest.raises(ValueError, match="2 characters, but 3 counts of phones"):
        features.features("你好", (1, 1, 1))


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("好" * 510, [510]),
        ("好" * 511, [510, 1]),
        ("好" * 300 + "," + "好" * 300, [301, 300]),
        ("好" * 100 + "." + "好" * 400 + "…" + "好" * 600, [502, 510, 90]),
        ("," + "好" * 1100, [1, 510, 510, 80]),
    ],
)
def test_long_texts_are_looked_at_in_pieces_that_end_with_a_pause(features, text, sizes):
    made = features.features(text, [1] * len(text))
    assert made.shape == (len(text), WIDTH)
    np.testing.assert_array_equal(made[:, 2], np.repeat(sizes, sizes))
    np.testing.assert_array_equal(made[:, 0], [TOKENS.index(character) for character in text])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"[UNK]\n[CLS]\n[SEP]\n\xff", "not UTF-8 .byte 18"),
        (b"", "line 1 is empty"),
        (b"[UNK]\n\n[CLS]\n[SEP]\n", "line 2 is empty"),
        (b"[UNK]\n[CLS]\n[SEP]\n\n", "line 4 is empty"),
        (b"[UNK]\n[CLS]\na\n[SEP]\na\n", "lists 'a' in line 3 and 5"),
        (b"[UNK]\n[CLS]\na\n", r"lacks \[SEP\]"),
        (b"a\n[CLS]\n[SEP]\n", r"lacks \[UNK\]"),
    ],
)
def test_a_bad_vocabulary_is_refused(raw, message):
    with pytest.raises(BundleError, match=message):
        parse_vocabulary(raw)


@pytest.mark.parametrize("raw", [b"[UNK]\n[CLS]\n\xe4\xbd\xa0\n[SEP]", b"[UNK]\r\n[CLS]\r\n\xe4\xbd\xa0\r\n[SEP]\r\n"])
def test_line_ends_of_either_kind(raw):
    assert parse_vocabulary(raw) == {"[UNK]": 0, "[CLS]": 1, "你": 2, "[SEP]": 3}


def test_characters_that_end_lines_elsewhere_are_tokens():
    assert parse_vocabulary("[UNK]\n[CLS]\n[SEP]\n\u2028\n\x85\n你\n".encode())["你"] == 5


CAST = helper.make_node("Cast", ["ids"], ["features"], to=TensorProto.FLOAT)


@pytest.mark.parametrize(
    "graph",
    [table_graph(output="rows"), table_graph(source="tokens"), loaded([CAST], "ids", "features", [1, "tokens"])],
    ids=["output", "input", "axes"],
)
def test_another_graph_is_refused(graph):
    with pytest.raises(BundleError, match="the one input 'ids' and 'features' of a fixed width"):
        TextFeatures(graph, VOCABULARY)


def test_width_is_the_graph_s(features):
    assert features.width == WIDTH
