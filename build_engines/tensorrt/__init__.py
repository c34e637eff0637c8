"""Engines for a board's GPU: a bundle's quantized graphs go in, certified engines in the cache come out.

A board has neither torch nor onnx, so nothing here imports them; TensorRT itself is imported only where one is built.
"""
