"""Strict stand-ins for what a machine without a board lacks: a GPU, its bindings, TensorRT."""
