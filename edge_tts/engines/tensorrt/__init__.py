"""TensorRT on a board's GPU: certified engines go in, the graphs of `edge_tts.engines.api` come out. Knows no speech.

`cache` finds the engines, `device` is the thin layer over CUDA (pycuda, or cuda-bindings), `engine`, `graph`, `binding`
and `slots` run them. Neither library is imported before a TensorRT engine is really loaded (docs/tensorrt.md).
"""
