"""GPT-SoVITS's acoustic model ("s2"): reference encoder, quantizer, text encoder, flow, generator.

Torch modules with the parameter names of the checkpoints; what goes in and out of each is in its docstring. `model` has
the whole. Importing this package, or `config`, brings no torch along.
"""
