"""Inference engines: a graph's verified bytes go in, a runnable graph comes out. Knows tensors, nothing of speech.

`edge_tts.engines.api` is the interface, `edge_tts.engines.onnx` the implementation on ONNX Runtime,
`edge_tts.engines.tensorrt` the one on a GPU; `edge_tts.engines.select` chooses. An engine is imported only when it is
asked for.
"""

from edge_tts.engines.api import Binding, Engine, Graph, TensorInfo

__all__ = ["Binding", "Engine", "Graph", "TensorInfo"]
