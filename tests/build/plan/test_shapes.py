"""Shapes that depend on lengths, and graphs that can't be told."""

import numpy as np
import pytest

from build_engines.errors import BuildError
from tests.build.plan.graphs import FLOAT, INT64, Sketch


def test_a_shape_that_is_computed_in_the_graph():
    """[1, n, 6] → [1, n, 2, 3] by way of Shape, Gather, Unsqueeze, Concat, Reshape: as exporters write it."""
    g = Sketch()
    x = g.input("x", FLOAT, 1, 7, 6)
    length = g.op("Gather", [g.op("Shape", [x]), g.number(1)], axis=0)
    wanted = g.op("Concat", [g.number([1]), g.op("Unsqueeze", [length, g.number([0])]), g.number([2, 3])], axis=0)
    g.op("Reshape", [x, wanted], "y")
    g.op("Slice", ["y", g.number([-2]), g.number([99]), g.number([1])], "end")
    shapes = g.shapes()
    assert shapes["y"].shape == (1, 7, 2, 3)
    assert shapes["end"].shape == (1, 2, 2, 3)


def test_part_of_a_shape():
    g = Sketch()
    g.op("ConstantOfShape", [g.op("Shape", [g.input("x", FLOAT, 4, 5, 6)], start=1, end=-1)], "y")
    assert g.shapes()["y"].shape == (5,)


def test_a_value_that_is_given_decides():
    g = Sketch()
    stop = g.op("Squeeze", [g.input("frames", INT64, 1)])
    g.op("Range", [g.number(0), stop, g.number(1)], "y")
    assert g.shapes({"frames": np.array([9])})["y"].shape == (9,)
    with pytest.raises(BuildError, match="Range 'y': the shape of 'y' can't be told"):
        g.shapes()


@pytest.mark.parametrize("domain", ["", "com.microsoft", "some.where"])
def test_an_unknown_operator(domain):
    g = Sketch()
    g.op("Wibble", [g.input("x", FLOAT, 2)], "y", domain=domain)
    with pytest.raises(BuildError, match=r"^Wibble 'y': "):
        g.shapes()


def test_an_input_from_nowhere():
    g = Sketch()
    g.op("Relu", ["nothing"], "y")
    with pytest.raises(BuildError, match="Relu 'y': its input 'nothing' comes from nowhere"):
        g.shapes()


def test_shapes_that_do_not_fit():
    g = Sketch()
    g.op("MatMul", [g.input("x", FLOAT, 2, 3), g.weight(FLOAT, 4, 5)], "y")
    with pytest.raises(BuildError, match=r"^MatMul 'y': "):
        g.shapes()
