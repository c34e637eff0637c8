"""edge_tts.bundle.wire: a message is taken apart and put together again, whatever is in it."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_tts.bundle.wire import Message, fields
from edge_tts.errors import BundleError


@pytest.fixture
def model():
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"], name="sum", domain="")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.arange(3, dtype=np.float32), "w")],
    )
    return helper.make_model(graph, producer_name="ü")


def test_nothing_changes(model):
    raw = model.SerializeToString()
    assert Message(raw).to_bytes() == raw


def test_fields_that_nobody_knows_stay(model):
    unknown = b"\xfa\x7f\x03abc" + b"\xf8\x7f\x96\x01" + b"\xfd\x7f\x01\x02\x03\x04" + b"\xf9\x7f12345678"
    raw = model.SerializeToString() + unknown
    message = Message(raw)
    graph = Message(message.all(7)[0])
    message.replace(7, [graph.to_bytes()])
    assert message.to_bytes() == raw


def test_what_is_read():
    tensor = numpy_helper.from_array(np.zeros((2, 300), np.int8), "name")
    message = Message(tensor.SerializeToString())
    assert (message.text(8), message.integers(1), message.integers(2)) == ("name", [2, 300], [TensorProto.INT8])
    assert message.text(12) == "" and message.all(13) == [] and message.all(9) == [bytes(600)]
    assert Message(b"\x0a\x03\x02\xac\x02").integers(1) == [2, 300], "dims may be written packed"


def test_replaced_fields_are_what_onnx_reads(model):
    message = Message(model.SerializeToString())
    graph = Message(message.all(7)[0])
    node = Message(graph.all(1)[0])
    node.replace(4, [b"Mul"])
    node.replace(6, [b"new"])
    graph.replace(1, [node.to_bytes(), node.to_bytes()])
    graph.replace(5, [])
    message.replace(7, [graph.to_bytes()])
    read = onnx.ModelProto.FromString(message.to_bytes())
    assert [(n.op_type, n.doc_string) for n in read.graph.node] == [("Mul", "new")] * 2
    assert not read.graph.initializer and read.graph.input[0].name == "x"


@pytest.mark.parametrize("raw", [b"\x0a\x05abc", b"\x0b", b"\x08" + b"\xff" * 10, b"\x08", b"\x09123"])
def test_what_is_no_message(raw):
    with pytest.raises(BundleError, match=r"cut off|not an ONNX model"):
        list(fields(memoryview(raw)))
