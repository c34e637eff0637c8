"""Trains the default voice from scratch: sentences → teachers' speech → tokenizer → GPT and decoder → bundle.

Imports torch and the audio libraries of the ``[build]`` extra; nothing here is needed to speak.
"""
