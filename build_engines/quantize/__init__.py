"""Float bundles become INT8: a bundle's own speech is measured, layer by layer, and what costs more than it gains stays
in higher precision.

In: a float bundle with a speaker. Out: graphs for ONNX Runtime on a CPU, graphs for TensorRT, and the account of every
choice (quantization.json).
"""
