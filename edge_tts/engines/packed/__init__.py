"""Graphs as ONNX Runtime has optimized and packed them on this very machine, kept so that the next start is quick.

A bundle and a processor go in, files in the user's cache come out; from then on a voice is loaded from these. Nothing
here is needed to speak: whatever goes wrong, the graphs of the bundle are loaded instead. docs/packed.md says what is
kept where, and what is trusted.
"""
